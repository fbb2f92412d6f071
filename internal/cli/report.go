package cli

import (
	"github.com/spf13/cobra"

	"lastcall/harness/check"
)

func newReport(s streams) *cobra.Command {
	var o outputOptions
	var p policyOptions
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Judge recorded histories again, without running anything",
		Long: `Read the histories that compare --record DIR wrote, judge them again, and report
them. Nothing is started. The same histories get the same verdicts, unless you
ask for another --policy.`,
		Example: `  lastcall compare --record histories
  lastcall report histories
  lastcall report histories --policy strict --report json`,
		Args: oneArg("a directory of recorded histories"),
		RunE: func(cmd *cobra.Command, args []string) error {
			histories, err := readHistories(args[0])
			if err != nil {
				return err
			}
			scenario := histories[0].Header.Scenario
			if err := p.apply(&scenario, cmd.Flags()); err != nil {
				return err
			}
			policy, _, err := resolvePolicy(scenario, cmd.Flags()) // what was run was run: only the judgement changes
			if err != nil {
				return err
			}
			out, err := openOutput(&o, s)
			if err != nil {
				return err
			}
			out.histories = check.Chosen(histories, policy)
			return conclude(cmd.Context(), out, check.Judge(histories, policy), o.gate)
		},
	}
	cmd.Flags().SortFlags = false
	p.register(cmd.Flags())
	o.register(cmd.Flags())
	cmd.Flags().BoolVar(&o.gate, "gate", false, "exit 1 if any subject fails")
	return cmd
}
