/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hook of a source: `verify`, which says how a caller proves who it is, and `hook`, which says what trigger becomes
 * of what it posts. Both are immutable parts of a configuration; strings live in its arena. [any]
 */
#ifndef CONFIG_HOOK_H
#define CONFIG_HOOK_H

#include "config/config.h"

/* --- verify ------------------------------------------------------------------------------------------------------- */

enum config_hook_hash { CONFIG_HOOK_SHA256, CONFIG_HOOK_SHA512, CONFIG_HOOK_SHA1 };

/* A key as it is used: decoded. */
struct config_hook_key {
    const unsigned char *bytes;
    size_t len;
    uint8_t ed25519; /* the public key of an Ed25519 signature (RFC 8032), 32 bytes; else the secret of an HMAC */
};

/*
 * What is signed is `head`, the body and `tail`, where {t} and {id} in head and tail stand for the time and the id of
 * the call. The signature is what stands behind `prefix` in an entry of the header `header`; `separator` parts entries.
 */
struct config_verify {
    const char *scheme;                 /* "github"; "custom" */
    const char *header;                 /* header names are in lower case */
    const char *prefix, *public_prefix; /* "v1,"; of Ed25519 signatures: NULL, there are none */
    char separator;                     /* 0: the header is one entry */
    enum config_hook_hash hash;
    uint8_t base64;               /* signatures are base64 with padding; else hex in lower case */
    const char *timestamp_header; /* NULL: none */
    const char *timestamp_prefix; /* of the entry of `header` that holds the time; NULL: none */
    const char *id_header;        /* NULL: none */
    const char *head, *tail;
    int64_t tolerance_ms; /* how far the time may be from now; of no meaning without one */
    const struct config_hook_key *keys;
    size_t key_count;
    const struct belfry_template *id; /* by which repeats of this scheme are known; NULL: by the hash of the body */
};

/* --- hook --------------------------------------------------------------------------------------------------------- */

struct config_hook_value;

struct config_hook_member {
    const char *key; /* of an object, or what the value is compared with in a table */
    const struct config_hook_value *value;
};

/* A value of `data`: a template, the value at a path, an object or a list of such, or what YAML says. */
struct config_hook_value {
    enum { HOOK_CONSTANT, HOOK_TEXT, HOOK_PATH, HOOK_OBJECT, HOOK_LIST } kind;
    const struct yaml_node *constant;
    const struct belfry_template *text;
    struct belfry_strs path;
    const struct config_hook_member *members; /* of an object or list; of a path: its table */
    size_t count;
    const struct config_hook_value *otherwise; /* of a path that leads nowhere or is not in the table; NULL: none */
};

struct config_hook_trigger {
    const struct belfry_condition *when; /* NULL: all */
    const struct belfry_template *type;
    struct belfry_map types;                           /* const char *: what rendered types mean; count 0: themselves */
    const struct belfry_template *id, *subject, *time; /* NULL: by config_verify.id; none; none */
    const struct config_hook_value *data;              /* NULL: the item, or the body */
};

struct config_hook {
    const char *form;        /* the field of a form that holds the JSON; NULL: forms are not taken */
    struct belfry_strs each; /* where the list of items is; count 0 and is_each 0: the body is one */
    uint8_t is_each;
    const struct config_hook_trigger *triggers; /* the first that matches makes the trigger */
    size_t trigger_count;
};

#endif
