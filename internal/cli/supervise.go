package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"lastcall/harness/process"
	"lastcall/harness/subject"
)

// newSupervise is the verb that lastcall starts itself with: the parent of a
// command under test. It is nothing for people, so it is shown nowhere.
func newSupervise() *cobra.Command {
	return &cobra.Command{
		Use:    "supervise -- COMMAND [ARG...]",
		Short:  "Run a command as its parent, for lastcall itself",
		Hidden: true,
		Args:   cobra.ArbitraryArgs,
		// The words are a contract between lastcall and itself.
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			err := subject.Supervise(args)
			if errors.Is(err, process.ErrByHand) {
				return usagef("supervise: %w", err)
			}
			return err
		},
	}
}
