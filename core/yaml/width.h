/* SPDX-License-Identifier: Apache-2.0 */
/* How wide a character is on a terminal. */
#ifndef YAML_WIDTH_H
#define YAML_WIDTH_H

#include <stdint.h>

/* Cells of a code point: 0 for combining marks, 2 for East Asian wide characters and emoji (UAX #11), else 1. [any] */
int width_of(uint32_t c);
/* 1 for what must not reach a terminal as it is: controls, and marks that turn the direction of text (UAX #9). */
int width_is_unsafe(uint32_t c);

#endif
