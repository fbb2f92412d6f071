package cli

import (
	"net"
	"time"

	"github.com/spf13/cobra"

	"lastcall/targets"
)

func newServe(s streams) *cobra.Command {
	o := targets.Options{}
	var allowRemote bool
	cmd := &cobra.Command{
		Use:   "serve STRATEGY",
		Short: "Run one sample server by hand",
		Long: `Run the sample service with one strategy, in the foreground. It writes one line
of JSON with its address and PID to standard output when it listens, and one
line for each request to standard error.

LASTCALL_STORE names the SQLite file for its orders (else a temporary one), and
LASTCALL_LAG how long a strategy that drains goes on serving (2s, and half a second more).`,
		Example: `  lastcall serve naive --addr 127.0.0.1:8080
  curl 'http://127.0.0.1:8080/work?delay=5s'      in another shell
  kill PID                                        while curl waits`,
		Args:              oneArg("a strategy"),
		ValidArgsFunction: completeStrategies,
		RunE: func(_ *cobra.Command, args []string) error {
			strategy, err := findStrategy(args[0])
			if err != nil {
				return err
			}
			if err := checkListen(o.Addr, allowRemote); err != nil {
				return err
			}
			if o.Delay < 0 {
				return usagef("--delay is %s, must not be negative", o.Delay)
			}
			if err := targets.Serve(strategy, o, s.out, s.err); err != nil {
				return &exitError{exitFail, err.Error()}
			}
			return nil
		},
	}
	o.Delay = 100 * time.Millisecond
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 chooses a free one")
	cmd.Flags().Var(durationValue{&o.Delay}, "delay", "how long /work and /orders take when the request does not say")
	cmd.Flags().BoolVar(&o.LogRequest, "request-log", true, "one line for each request on standard error")
	cmd.Flags().BoolVar(&o.H2C, "h2c", false, "also speak HTTP/2 without TLS, to clients with prior knowledge")
	cmd.Flags().BoolVar(&allowRemote, "allow-remote", false, "allow an address that other machines can reach")
	return cmd
}

// checkListen refuses an address that is none, or that is not loopback.
func checkListen(addr string, allowRemote bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return usagef("--addr %q is not host:port, as in 127.0.0.1:8080", addr)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() || allowRemote {
		return nil
	}
	return usagef("--addr %s can be reached from other machines: use 127.0.0.1, or add --allow-remote", addr)
}
