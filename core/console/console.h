/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console at /{org}/admin: what administrators look at when somebody asks why. It knows nothing that the API does
 * not say: a page asks the hub's own API on behalf of its reader (http_ask), and shows the answers. So a page needs no
 * gate of its own, and whatever it does is in the audit as if a program had done it.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "http/http.h"

struct console;

/* Adds the routes and assets. NULL with err when a template, a catalogue or a route is at fault. [loop] */
struct console *console_new(struct http *http, struct error *err);
/* After http_free(): no page is under way any more. */
void console_free(struct console *console);

#endif
