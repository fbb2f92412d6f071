// Package cli is the command line: one verb a file. It is the only place where
// running, judging and rendering meet.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lastcall/internal/bug"
	"lastcall/internal/samples"
	"lastcall/reports"
	"lastcall/scenarios"
	"lastcall/targets"
)

// The exit codes. A signal that interrupts lastcall gives 128 and its number.
const (
	exitPass         = 0
	exitFail         = 1
	exitUsage        = 2
	exitInconclusive = 3 // or could not run
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a mistake in what was asked for, found before anything started.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitError carries an exit code past cobra. Its message, if any, is printed.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

// Run runs the command line and returns the exit code. Errors go to stderr in
// one line each, with what would be right.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(streams{stdin, stdout, stderr})
	root.SetArgs(args)
	return execute(root, stderr)
}

func execute(root *cobra.Command, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			bug.Report(stderr, v, debug.Stack())
			code = bug.ExitCode
		}
	}()
	return exitCode(root.ExecuteContext(context.Background()), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitPass
	}
	if message := err.Error(); message != "" {
		fmt.Fprintf(stderr, "lastcall: %s\n", reports.Inert(message)) // it may quote a server
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitInconclusive
}

const rootLong = `lastcall tells whether a server loses requests when it is told to stop.

It starts the server, sends it requests, and sends SIGTERM while they are in
flight. It accounts for every request, and says what was completed and what was
dropped. Without a command it compares three ways to stop a small web service:
http.Serve alone (naive), a cancelled context (with-cancel), and signal.Notify
with Server.Shutdown (signal-notify).`

const rootExample = `  lastcall                                       compare three strategies, in about six seconds
  lastcall test -- ./myserver --port {port}      test your own server
  lastcall compare naive signal-notify --rate 2000 --delay 5ms
  lastcall compare --report json=result.json --record histories
  lastcall sweep signal-notify                   at which instants are requests dropped?
  lastcall report histories                      judge recorded histories again
  lastcall diff old.json new.json                what became worse, what became better
  lastcall explain signal-notify                 a strategy and its source
  lastcall demo                                  watch it live, in a browser
  lastcall serve naive --addr 127.0.0.1:8080     one sample server, to curl and to kill`

func newRoot(s streams) *cobra.Command {
	o := newRunOptions()
	root := &cobra.Command{
		Use:           "lastcall",
		Short:         "Does your server lose requests when it is told to stop?",
		Long:          rootLong,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return compare(cmd.Context(), s, o, cmd.Flags(), targets.Default())
		},
	}
	o.register(root.Flags())
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newCompare(s), newTest(s), newProbe(s), newSweep(s), newServe(s), newSupervise(), newApplied(s), newList(s), newExplain(s), newReport(s), newDiff(s), newSelftest(s), newDemo(s), newSchema(s), newVersion(s),
	)
	strictCommands(root)
	return root
}

// strictCommands makes cobra's own commands refuse what does not exist: they
// would print a help and succeed.
func strictCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err == nil && len(rest) == 0 {
					return nil
				}
				return noSuchCommand(found, args)
			}
		case "completion":
			cmd.Args = noSuchCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// noSuchCommand refuses what is left over on the command line, with the nearest
// thing that exists.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, ok := targets.ByName(args[0]); ok {
		return usagef("%q is a strategy, not a command: try lastcall compare %s", args[0], args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("unknown command %q: %s", args[0], hint(args[0], names))
}

// flagError turns pflag's error into one line with the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		name := "--" + missing.GetSpecifiedName()
		if missing.GetSpecifiedShortnames() != "" {
			name = "-" + missing.GetSpecifiedShortnames()
		}
		if others := owners(cmd, missing.GetSpecifiedName()); len(others) > 0 {
			return usagef("unknown flag %s: it belongs to lastcall %s", name, strings.Join(others, ", "))
		}
		return usagef("unknown flag %s: %s", name, hint(name, names))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usagef("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), plainCause(invalid))
	}
	return &usageError{err}
}

// plainCause says what a value must be where the reason is Go's own.
func plainCause(invalid *pflag.InvalidValueError) string {
	if _, ok := errors.AsType[*strconv.NumError](invalid); !ok {
		return invalid.Unwrap().Error()
	}
	if invalid.GetFlag().Value.Type() == "bool" {
		return "must be true or false"
	}
	example := invalid.GetFlag().DefValue
	if example == "[]" { // nothing is no example
		example = "143"
	}
	return "must be a whole number from 0, as in " + example
}

// noArgs refuses arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, got %q", cmd.Name(), args[0])
	}
	return nil
}

// oneArg asks for exactly one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return usagef("%s needs %s: see %s --help", cmd.Name(), what, cmd.CommandPath())
		case 1:
			return nil
		}
		return usagef("%s takes one argument, got %s", cmd.Name(), strings.Join(args, " "))
	}
}

// findStrategy returns a strategy by name, or the nearest one's name in an error.
func findStrategy(name string) (targets.Strategy, error) {
	strategy, err := samples.ByName(name)
	if err != nil {
		return strategy, &usageError{err}
	}
	return strategy, nil
}

// completeStrategies offers the names of strategies to the shell.
func completeStrategies(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return samples.Names(), cobra.ShellCompDirectiveNoFileComp
}

// completeScenarios offers the catalogue, and files.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Names(), cobra.ShellCompDirectiveDefault
}
