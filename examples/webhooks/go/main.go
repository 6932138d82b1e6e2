// Receives webhooks, verifies them and handles each change once.
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

const maxBytes = 1 << 20

type event struct {
	Type string `json:"type"`
	Data struct {
		OrderID string `json:"order_id"`
		Status  string `json:"status"`
		Version int    `json:"version"`
	} `json:"data"`
}

// orders has the handled version of each order. Store it in your database, in the transaction of your own work.
type orders struct {
	mutex    sync.Mutex
	versions map[string]int
}

// handle ignores a repeated change, and one that arrives after a later one.
func (o *orders) handle(id string, e event) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if e.Data.Version <= o.versions[e.Data.OrderID] {
		return
	}
	o.versions[e.Data.OrderID] = e.Data.Version
	fmt.Println(e.Type, id, e.Data.Status)
}

func main() {
	hook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal("set WEBHOOK_SECRET: ", err)
	}
	known := &orders{versions: map[string]int{}}
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
		if err != nil || hook.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var e event
		if json.Unmarshal(body, &e) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if e.Type != "webhook.test" {
			known.handle(r.Header.Get("webhook-id"), e)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
