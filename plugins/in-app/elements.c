/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The elements for pages of other applications. Each is one file; the bell fetches the list when it is opened, and what
 * reads the stream when `live="sse"` asks for it.
 */
#include "in_app.h"

static const char bell[] =
#include "plugins/in-app/assets/bell.js.inc"
    ;
static const char feed[] =
#include "plugins/in-app/assets/feed.js.inc"
    ;
static const char tile[] =
#include "plugins/in-app/assets/tile.js.inc"
    ;

static const char listing[] =
#include "plugins/in-app/assets/elements/listing.js.inc"
    ;
static const char live[] =
#include "plugins/in-app/assets/live.js.inc"
    ;

static const struct {
    const char *name, *text;
    size_t size;
} files[] = {{"bell.js", bell, sizeof(bell) - 1},
             {"feed.js", feed, sizeof(feed) - 1},
             {"tile.js", tile, sizeof(tile) - 1},
             {"listing.js", listing, sizeof(listing) - 1},
             {"live.js", live, sizeof(live) - 1}};

belfry_status elements_serve(struct in_app *app)
{
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && status == BELFRY_OK; i++)
        status =
            app->asset->add(app->host, files[i].name, "text/javascript; charset=utf-8", files[i].text, files[i].size);
    return status;
}
