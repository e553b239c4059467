/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail carries so that its reader, or a machine on its way, can answer: the token of the unsubscribe link, the
 * sender address of the envelope (VERP), the Message-ID. Each is signed with a key of this instance and hub, so none
 * can be made up, and nothing is stored. Pure. [any]
 */
#ifndef EMAIL_TOKEN_H
#define EMAIL_TOKEN_H

#include <belfry/plugin.h>

#define TOKEN_TEXT_SIZE 1024
#define TOKEN_LOCAL_SIZE 65 /* RFC 5321, 4.5.3.1.1 */
#define TOKEN_MESSAGE_ID_SIZE 360
#define TOKEN_SEAL_SIZE 27

/* Who stops what (RFC 8058): `v1.<key id>.<payload, base64url>.<HMAC of 128 bits>`. org is not in it, but signed. */
struct token_subject {
    struct belfry_str org, username, address; /* one of username and address */
    struct belfry_str category;               /* empty: all */
};
/* Empty when there is nobody, or name and category are over 598 bytes together. */
void token_write(const uint8_t key[32], const struct token_subject *subject, char out[TOKEN_TEXT_SIZE]);
/* 0 when it is not one of ours for this org. Strings point into memory, which is TOKEN_TEXT_SIZE bytes. */
int token_read(const uint8_t key[32], struct belfry_str org, struct belfry_str text, char memory[TOKEN_TEXT_SIZE],
               struct token_subject *out);

/* Goes through the browser of whoever unsubscribes, so that it can be taken back: what was chosen before, for the token
 * and what was stopped by it ("category", "all"). */
void undo_write(const uint8_t key[32], struct belfry_str token, struct belfry_str what, struct belfry_str before,
                char out[TOKEN_SEAL_SIZE]);
int undo_read(const uint8_t key[32], struct belfry_str token, struct belfry_str what, struct belfry_str before,
              struct belfry_str seal);

/* The local part of the envelope's sender for a delivery (its UUID in lower case): `b+<base32>.<mac>`, 55 bytes. Empty
 * when it is no UUID. */
void verp_write(const uint8_t key[32], struct belfry_str delivery, char out[TOKEN_LOCAL_SIZE]);
/* 1 and the UUID when a local part or a whole address is one of ours; case does not matter. */
int verp_read(const uint8_t key[32], struct belfry_str address, char delivery[37]);

/* The local part of the mailto: variant of List-Unsubscribe (RFC 2369), as for verp_write(): `unsub+<base32>.<mac>`, 59
 * bytes. What a mail to it stops is the category of the delivery. */
void unsub_write(const uint8_t key[32], struct belfry_str delivery, char out[TOKEN_LOCAL_SIZE]);
int unsub_read(const uint8_t key[32], struct belfry_str address, char delivery[37]);

/* `<uuid>.<mac>@domain`, without brackets: the same for each attempt. */
void message_id_write(const uint8_t key[32], struct belfry_str delivery, const char *domain,
                      char out[TOKEN_MESSAGE_ID_SIZE]);
int message_id_read(const uint8_t key[32], struct belfry_str id, char delivery[37]);
/* The Message-ID that the mails of a thread refer to: of an org, a recipient and a subject of a source. */
void thread_id_write(const uint8_t key[32], struct belfry_str org, struct belfry_str who, struct belfry_str source,
                     struct belfry_str subject, const char *domain, char out[TOKEN_MESSAGE_ID_SIZE]);

#endif
