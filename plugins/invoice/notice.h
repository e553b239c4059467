/* SPDX-License-Identifier: Apache-2.0 */
/* booking.disputed and shift.cancelled: said once, told once, and no state but that. [txn] */
#ifndef INVOICE_NOTICE_H
#define INVOICE_NOTICE_H

#include "read.h"

belfry_status notice_booking(struct reading *r);
belfry_status notice_shift(struct reading *r);

#endif
