package truth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// errWrong is returned when a run did not come to what its row deserves.
var errWrong = errors.New("not every run came to what its row deserves")

// options are the flags of the program.
type options struct {
	rows      string
	few       bool
	runs      int
	busy      bool
	quota     float64
	parallel  int
	again     int
	doubt     float64
	user      string
	shutdowns int
	budget    time.Duration
	results   string
	cache     string
	built     bool
	record    string
	print     string // a format: nothing is run
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("truth", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.rows, "rows", "", "run the rows whose names match this `regexp` (default all)")
	f.BoolVar(&o.few, "few", false, "run only the rows that stand for all where time is short: twelve right and twelve wrong servers")
	f.IntVar(&o.runs, "runs", 1, "how often each row is run")
	f.BoolVar(&o.busy, "busy", false, "keep every core busy meanwhile")
	f.Float64Var(&o.quota, "quota", 0, "let lastcall and the servers have so many `cores`, which may be a fraction, and no more (as root)")
	f.IntVar(&o.parallel, "parallel", 1, "how many rows run at a time, each beside the others")
	f.IntVar(&o.again, "again", 0, "without -busy: how often a run is repeated that is inconclusive and should not be; its result counts them")
	f.Float64Var(&o.doubt, "doubt", 1, "fail if more than this `share` of the runs is inconclusive, though no run is wrong")
	f.StringVar(&o.user, "user", "", "run lastcall and the servers as this `user`")
	f.IntVar(&o.shutdowns, "shutdowns", 0, "shutdowns of each run (default lastcall's own)")
	f.DurationVar(&o.budget, "budget", 0, "say so if it took longer than this, and fail if twice as long (default no limit)")
	f.StringVar(&o.results, "results", "truth.jsonl", "`file` that results are appended to; what it has is not run again")
	f.StringVar(&o.cache, "cache", filepath.Join(os.TempDir(), "lastcall-truth"), "`directory` for what is built")
	f.BoolVar(&o.built, "built", false, "build nothing: take what the cache has, of whatever code")
	f.StringVar(&o.record, "record", "", "write histories below this `directory`")
	f.StringVar(&o.print, "print", "", "run nothing; print what the results file has, as text, as markdown, or as the page of docs: noise (`format`)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.runs < 1:
		return o, fmt.Errorf("-runs %d: want at least 1", o.runs)
	case o.parallel < 1:
		return o, fmt.Errorf("-parallel %d: want at least 1", o.parallel)
	case o.busy && o.user != "" || o.busy && o.quota > 0 || o.user != "" && o.quota > 0:
		return o, errors.New("-busy, -quota and -user: want one of them")
	case !slices.Contains([]string{"", "text", "markdown", "noise"}, o.print):
		return o, fmt.Errorf("-print %s: want text, markdown or noise", o.print)
	}
	return o, nil
}

// Main runs the table. It returns an error, too, when a verdict, a rule or a story
// is not what a row deserves.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := choose(Rows(), o.rows, o.few)
	if err != nil {
		return err
	}
	have, err := openResults(o.results)
	if err != nil {
		return err
	}
	switch o.print {
	case "":
	case "noise":
		return printNoise(stdout, rows, have.latest())
	default:
		return printTable(stdout, rows, have.latest(), o.print)
	}
	return campaign(ctx, o, rows, have, stdout)
}

func choose(rows []Row, pattern string, few bool) ([]Row, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("-rows: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !re.MatchString(r.Name) || few && !slices.Contains(representatives, r.Name) })
	if len(rows) == 0 {
		return nil, fmt.Errorf("-rows %s: no row has such a name", pattern)
	}
	return rows, nil
}
