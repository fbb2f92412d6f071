package cli

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"lastcall/targets"
)

// newApplied is the verb by which lastcall asks for what a strategy's store holds
// in the end. It is nothing for people, so it is shown nowhere.
func newApplied(s streams) *cobra.Command {
	return &cobra.Command{
		Use:    "applied FILE",
		Short:  "Print the ids in a sample service's store, for lastcall itself",
		Hidden: true,
		Args:   oneArg("the file of a store"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := targets.StoredIDs(cmd.Context(), args[0])
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
