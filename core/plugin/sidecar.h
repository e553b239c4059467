/* SPDX-License-Identifier: Apache-2.0 */
/* The format of sidecars: raised when what is written can no longer be read by the reader of before. */
#ifndef PLUGIN_SIDECAR_H
#define PLUGIN_SIDECAR_H

#define SIDECAR_FORMAT 1
#define SIDECAR_MAX_BYTES ((size_t)4 << 20)

#endif
