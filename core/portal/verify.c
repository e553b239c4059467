/* SPDX-License-Identifier: Apache-2.0 */
/* How a receiver verifies what comes: with the official library of its language, over the bytes as they came. */
#include "portal/internal.h"

static const struct {
    const char *language, *code;
} samples[] = {
    {"JavaScript (npm install standardwebhooks)",
     "import { Webhook } from 'standardwebhooks';\n\n"
     "const webhook = new Webhook(process.env.HOOK_SECRET);\n"
     "const event = webhook.verify(rawBody, request.headers); // throws when it is not ours"},
    {"Python (pip install standardwebhooks)",
     "from standardwebhooks.webhooks import Webhook\n\n"
     "event = Webhook(os.environ[\"HOOK_SECRET\"]).verify(raw_body, headers)  # raises when it is not ours"},
    {"Go (go get github.com/standard-webhooks/standard-webhooks/libraries/go)",
     "wh, err := standardwebhooks.NewWebhook(os.Getenv(\"HOOK_SECRET\"))\n"
     "if err == nil {\n\terr = wh.Verify(rawBody, request.Header) // an error when it is not ours\n}"},
    {"Java (com.standardwebhooks:standardwebhooks)",
     "Webhook webhook = new Webhook(System.getenv(\"HOOK_SECRET\"));\n"
     "webhook.verify(rawBody, headers); // throws WebhookVerificationException when it is not ours"},
};

void verify_show(struct page *page)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        json_t *sample = json_object();
        json_object_set_new(sample, "language", json_string(samples[i].language));
        json_object_set_new(sample, "code", json_string(samples[i].code));
        json_array_append_new(list, sample);
    }
    json_object_set_new(page->model, "samples", list);
}
