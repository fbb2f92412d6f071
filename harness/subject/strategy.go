package subject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lastcall/harness/ledger"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// announceTimeout bounds the boot of a strategy.
const announceTimeout = 10 * time.Second

// Strategy is a subject that announces itself with a ready line on its standard
// output: a JSON object with its address in "addr".
type Strategy struct {
	Label    string   // its name in the reports
	Path     string   // the program
	Args     []string // without the program's name
	Lifeline string   // the environment variable that gets the lifeline's descriptor
	Health   string   // path of the readiness check, "" if the ready line is enough
	Env      []string // KEY=value, added to our own environment

	Store      string   // the environment variable that names the file of its store, "" if it has none
	Applied    []string // the command that prints the ids in that file, whose path replaces {store}
	Supervisor []string // as in Command; it runs Applied
}

// storeMark is replaced by the path of a strategy's store.
const storeMark = "{store}"

var _ Starter = Strategy{}

// Name returns the strategy's name.
func (s Strategy) Name() string { return s.Label }

// Kind returns scenario.KindStrategy.
func (s Strategy) Kind() string { return scenario.KindStrategy }

// Expected returns where a server of the sample service is asked.
func (s Strategy) Expected() Endpoint { return expected(DefaultURL) }

// Check looks at the command only: strategies are known to start.
func (s Strategy) Check(context.Context) error { return checkLookup(s.Applied, "", s.Supervisor) }

// Boot starts the strategy's process and waits until it is ready.
func (s Strategy) Boot(ctx context.Context, ledgerPath string) (Server, error) {
	return boot(ctx, s, ledgerPath)
}

// Start starts the strategy's process, with a store of its own beside its ledger.
func (s Strategy) Start(_ context.Context, ledgerPath string) (Server, Await, error) {
	book, err := openLedger("", ledgerPath)
	if err != nil {
		return nil, nil, err
	}
	p, err := process.Start(process.Command{Path: s.Path, Args: s.Args, Lifeline: s.Lifeline, Env: s.environ(book)})
	if err != nil {
		book.Close()
		return nil, nil, notStarted(err, s.Path)
	}
	server := &local{Process: p, endpointState: endpointState{book: book}}
	if s.Health != "" {
		server.check = &readiness{template: s.Health}
	}
	return server, server.awaitAnnouncement, nil
}

func (s Strategy) environ(book *LedgerFile) []string {
	env := append(slices.Clone(s.Env), ledger.EnvPath+"="+book.Path())
	if s.Store != "" {
		env = append(env, s.Store+"="+storeBeside(book))
	}
	return env
}

// storeBeside is where a strategy keeps its store.
func storeBeside(book *LedgerFile) string {
	return filepath.Join(filepath.Dir(book.Path()), "store.db")
}

// Lookup returns the strategy's command, with the path of its store in it.
func (s Strategy) Lookup(server Server) process.Command {
	if len(s.Applied) == 0 {
		return process.Command{}
	}
	book := server.Ledger()
	c := process.Command{Path: s.Applied[0], Env: s.environ(book), Supervisor: s.Supervisor}
	for _, word := range s.Applied[1:] {
		c.Args = append(c.Args, strings.ReplaceAll(word, storeMark, storeBeside(book)))
	}
	return c
}

// awaitAnnouncement reads the ready line, and then asks for readiness.
func (l *local) awaitAnnouncement(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, announceTimeout, fmt.Errorf("nothing after %s", announceTimeout))
	defer cancel()
	text, err := l.FirstLine(ctx)
	if err != nil {
		return l.explain(err)
	}
	var line struct {
		Addr string `json:"addr"`
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil || line.Addr == "" {
		return fmt.Errorf("%q is not a ready line", text)
	}
	p := place{url: &url.URL{Scheme: "http", Host: line.Addr, Path: "/"}, addresses: []string{line.Addr}}
	if l.check == nil {
		l.found(Endpoint{Address: line.Addr, URL: p.url})
		return nil
	}
	if err := l.awaitReady(ctx, p, l.Exited()); err != nil {
		return l.explain(err)
	}
	return nil
}

// explain prefers a known exit to what it led to.
func (l *local) explain(err error) error {
	patience := time.NewTimer(100 * time.Millisecond) // an end of stdout comes just before the exit
	defer patience.Stop()
	select {
	case <-l.Exited():
		return fmt.Errorf("it ended with %s", l.Exit())
	case <-patience.C:
		return err
	}
}

// notStarted says of a process that could not be started if the reason is that a program
// of ours is gone: it was there as the run began.
func notStarted(err error, ours ...string) error {
	for _, program := range ours {
		if _, gone := os.Stat(program); filepath.IsAbs(program) && errors.Is(gone, fs.ErrNotExist) {
			return fmt.Errorf("lastcall's own program %s was removed while it ran: %w", program, err)
		}
	}
	return err
}
