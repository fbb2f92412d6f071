package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
)

// ordersServer takes orders and keeps them in an SQLite table. With "now" a row
// is committed before its answer; with "later" a thread commits what was
// acknowledged every 50 ms, and stops with the signal: those that are answered
// after it are acknowledged and lost.
const ordersServer = `import json, os, signal, sqlite3, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

later = sys.argv[1] == "later"
path = sys.argv[2]
lock, queue, stopping = threading.Lock(), [], threading.Event()

def commit(ids):
    with lock, sqlite3.connect(path) as db:
        db.executemany("insert into orders (id) values (?)", [(i,) for i in ids])

def write():
    while not stopping.wait(0.05):
        batch = []
        while queue:
            batch.append(queue.pop(0))
        if batch:
            commit(batch)

class Orders(BaseHTTPRequestHandler):
    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(0.1)
        if later:
            queue.append(order["id"])
        else:
            commit([order["id"]])
        self.send_response(202 if later else 201)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False  # server_close waits for those that answer

with sqlite3.connect(path) as db:
    db.execute("pragma journal_mode = wal")
    db.execute("create table if not exists orders (id text)")
if later:
    threading.Thread(target=write, daemon=True).start()
server = Server(("127.0.0.1", int(os.environ["PORT"])), Orders)

def stop(*_):
    stopping.set()
    threading.Thread(target=server.shutdown).start()

signal.signal(signal.SIGTERM, stop)
server.serve_forever(poll_interval=0.01)
server.server_close()
`

// listOrders prints the ids in the table.
const listOrders = `import sqlite3, sys
for (id,) in sqlite3.connect(sys.argv[1]).execute("select id from orders order by rowid"):
    print(id)
`

// TestOrders holds the rules on writes against a server with a real table: one
// that commits before it answers, and one that acknowledges and loses. Another
// query than lastcall's own counts the rows.
func TestOrders(t *testing.T) {
	t.Parallel() // it waits, most of the time
	python := program(t, "python3")
	if err := exec.Command(python, "-c", "import sqlite3").Run(); err != nil {
		needs(t, "python3 with sqlite3")
	}
	for _, c := range []struct {
		when    string
		verdict result.Verdict
		status  result.Status // of no-lost-ack
	}{
		{"now", result.Pass, result.Satisfied},
		{"later", result.Fail, result.Violated},
	} {
		t.Run(c.when, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "server.py", ordersServer)
			writeFile(t, dir, "list.py", listOrders)
			writeFile(t, dir, "order.json", `{"id": "{id}", "item": "stout"}`)
			db := filepath.Join(dir, "orders.db") // one for all shutdowns, as a database is
			s := suite(t, exitFor(c.verdict), "test", "--rate", "200", "--shutdowns", "2", "--lag", "300ms", "--dir", dir,
				"--url", "POST /orders", "--body", filepath.Join(dir, "order.json"), "--record", filepath.Join(dir, "histories"),
				"--applied", python+" list.py "+db, "--", python, "server.py", c.when, db)
			subject := s.Subjects[0]
			wantVerdict(t, subject, c.verdict, check.NoLostAck, c.status)
			wantStatus(t, subject, check.NoDuplicate, result.Satisfied)
			lost := wantLost(t, python, db, judged(t, filepath.Join(dir, "histories")), subject)
			if c.verdict == result.Fail {
				wantStory(t, subject, "were told that it was done, and will not retry")
				wantStory(t, subject, lost[0])
			}
		})
	}
}

// wantLost counts for itself what was acknowledged and is not in the table, and
// returns the ids.
func wantLost(t *testing.T, python, db string, all []*history.History, s result.Subject) (lost []string) {
	t.Helper()
	out, err := exec.Command(python, "-c", "import sqlite3, sys\nprint('\\n'.join(i for (i,) in sqlite3.connect(sys.argv[1]).execute('select id from orders')))", db).Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Fields(string(out))
	completed := 0
	for _, h := range all {
		for i := range h.Requests {
			r := &h.Requests[i]
			if r.Outcome != history.Completed {
				continue
			}
			completed++
			if !slices.Contains(rows, h.ID(r.Seq)) {
				lost = append(lost, h.ID(r.Seq))
			}
		}
	}
	if len(lost) != s.Ledger.LostAcks || completed < 100 || s.Ledger.Applied+len(lost) < completed {
		t.Errorf("%d of %d acknowledged orders are in no row; lastcall says %d, and that %d were applied", len(lost), completed, s.Ledger.LostAcks, s.Ledger.Applied)
	}
	if want := s.Verdict == result.Fail; want != (len(lost) > 0) {
		t.Errorf("%s, and %d orders are lost", s.Verdict, len(lost))
	}
	return lost
}
