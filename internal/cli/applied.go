package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/targets"
)

// sampleStore is the store of the sample service, and how it is asked.
type sampleStore struct {
	env   string   // the environment variable that names its file
	paths []string // where the service writes to it
	// ids returns the ids in the file, in the order in which they were written.
	// It is nil where the service has no store: then there is nothing to ask.
	ids func(ctx context.Context, path string) ([]string, error)
}

// ordersStore is where /orders and /async write to.
var ordersStore = sampleStore{env: targets.EnvStore, paths: []string{"/orders", "/async"}, ids: targets.StoredIDs}

// newApplied is the verb by which lastcall asks for what a strategy's store holds
// in the end. It is nothing for people, so it is shown nowhere.
func newApplied(s streams, store sampleStore) *cobra.Command {
	return &cobra.Command{
		Use:    "applied FILE",
		Short:  "Print the ids in a sample service's store, for lastcall itself",
		Hidden: true,
		Args:   oneArg("the file of a store"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if store.ids == nil {
				return errors.New("the sample service has no store")
			}
			ids, err := store.ids(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			out := bufio.NewWriter(s.out)
			for _, id := range ids {
				fmt.Fprintln(out, id)
			}
			return out.Flush() // whatever went wrong before comes out here
		},
	}
}

// witness lets a strategy be asked for its store, if the scenario writes to
// nothing else: /work, for one, acknowledges what no store ever holds.
func (store sampleStore) witness(s subject.Strategy, scenario scenario.Scenario, program string) subject.Strategy {
	if store.ids == nil || !store.holds(scenario.Load) {
		return s
	}
	s.Store = store.env
	s.Applied = []string{program, "applied", "{store}"}
	s.Supervisor = []string{program, "supervise"}
	return s
}

// holds reports whether the store holds all that the load asks to be written.
func (store sampleStore) holds(l scenario.Load) bool {
	if l.RequestsFile != "" { // it is not read yet
		return false
	}
	writes := 0
	for _, r := range l.Requests {
		method := r.Method
		if method == "" {
			method = l.Method
		}
		if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
			continue
		}
		u, err := url.Parse(r.URL)
		if err != nil || !slices.Contains(store.paths, u.Path) {
			return false
		}
		writes++
	}
	return writes > 0
}
