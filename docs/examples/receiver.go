// SPDX-License-Identifier: Apache-2.0

// Receives webhooks and verifies them with the official library:
// go get github.com/standard-webhooks/standard-webhooks/libraries
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("HOOK_SECRET")) // whsec_..., as the endpoint was made with
	if err != nil {
		log.Fatal(err)
	}
	var known sync.Map // your database, in earnest
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)) // the bytes as they came
		if err == nil {
			err = webhook.Verify(body, r.Header) // not ours, or older than five minutes
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		// the same id comes again when an answer was lost
		if _, again := known.LoadOrStore(r.Header.Get("webhook-id"), true); !again {
			var event struct {
				Type string
				Data struct{ Title string }
			}
			json.Unmarshal(body, &event)
			fmt.Println(event.Type, event.Data.Title)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "8421"
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
