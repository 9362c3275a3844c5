// An instance in Go: it registers, renews every third of its lease, drains and releases. database/sql with lib/pq.
//
//	DATABASE_URL=postgres://... APP_VERSION=1 PORT=8080 go run .
package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// Instance is this process, as the database knows it.
type Instance struct {
	db    *sql.DB
	name  string
	uses  []string
	lease time.Duration

	mutex      sync.Mutex
	readyUntil time.Time
	because    string
}

type answer struct {
	NotReady []string `json:"not_ready"`
}

func (i *Instance) call(ctx context.Context, text string, values ...any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var raw []byte
	var told answer
	if err := i.db.QueryRowContext(ctx, text, values...).Scan(&raw); err != nil {
		return told, err
	}
	return told, json.Unmarshal(raw, &told)
}

func (i *Instance) renew(ctx context.Context) (answer, error) {
	told, err := i.call(ctx, `select bellows.renew($1)`, i.name)
	var no *pq.Error
	if errors.As(err, &no) && no.Detail == "instance_unknown" {
		// Not registered yet, or released by mistake.
		return i.call(ctx, `select bellows.register($1, $2, $3, 'shop', current_setting('application_name'))`,
			i.name, pq.Array(i.uses), i.lease.Milliseconds())
	}
	return told, err
}

func (i *Instance) tell(readyUntil time.Time, because string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.readyUntil, i.because = readyUntil, because
}

// Readiness asks nobody: what was true at the last answer is taken as true until the lease is over.
func (i *Instance) Readiness() (bool, string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return time.Now().Before(i.readyUntil), i.because
}

// KeepRegistered returns when it is told to stop, or when the column is gone.
func (i *Instance) KeepRegistered(ctx context.Context) {
	var readyUntil time.Time
	for wasRegistered := false; ctx.Err() == nil; {
		// The lease runs at least from before the call.
		sent := time.Now()
		told, err := i.renew(ctx)
		var no *pq.Error
		switch {
		case err == nil && len(told.NotReady) > 0:
			readyUntil = time.Time{}
			i.tell(readyUntil, fmt.Sprint("not filled and verified yet: ", told.NotReady))
		case err == nil:
			readyUntil = sent.Add(i.lease)
			i.tell(readyUntil, "the lease is over")
		case errors.As(err, &no) && no.Code == "BW003":
			readyUntil = time.Time{}
			i.tell(readyUntil, no.Message)
			if wasRegistered {
				log.Print(no.Message)
				return
			}
		default:
			// It cannot be asked now: what was true stays true until the lease is over.
			i.tell(readyUntil, err.Error())
		}
		wasRegistered = wasRegistered || err == nil
		select {
		case <-ctx.Done():
		case <-time.After(i.lease / 3):
		}
	}
}

func main() {
	column := "users.name"
	if os.Getenv("APP_VERSION") == "2" {
		column = "users.full_name"
	}
	host, _ := os.Hostname()
	leaseMs, _ := strconv.Atoi(cmp.Or(os.Getenv("LEASE_MS"), "30000"))
	name := cmp.Or(os.Getenv("INSTANCE"), fmt.Sprintf("shop-%s-%d-%d", host, os.Getpid(), time.Now().UnixNano()))

	// Every session of this process carries the name that is registered; 63 bytes are kept of it.
	config, err := pq.NewConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	config.ApplicationName = name
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	instance := &Instance{db: db, name: name, uses: []string{column}, lease: time.Duration(leaseMs) * time.Millisecond}
	instance.tell(time.Time{}, "the database has not answered yet")

	http.HandleFunc("GET /healthz", func(response http.ResponseWriter, _ *http.Request) {
		ready, because := instance.Readiness()
		reasons := []string{}
		if !ready {
			response.WriteHeader(http.StatusServiceUnavailable)
			reasons = append(reasons, because)
		}
		json.NewEncoder(response).Encode(map[string]any{"ok": ready, "because": reasons})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "0"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{}
	go server.Serve(listener)
	fmt.Printf("{\"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	instance.KeepRegistered(ctx)

	drained, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	server.Shutdown(drained)
	// Behind the last query of this process.
	if _, err := db.ExecContext(drained, `select bellows.release($1)`, name); err != nil {
		log.Fatal(err)
	}
	db.Close()
}
