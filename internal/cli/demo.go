package cli

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"lastcall/internal/demo"

	"github.com/spf13/cobra"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	addr   string
	lang   string
	noOpen bool
}

func newDemo(s streams) *cobra.Command {
	o := demoOptions{addr: "127.0.0.1:0", lang: demo.DefaultLanguage}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show live shutdowns in a browser, for teaching",
		Long: `Open a page on this machine. It shows up to three strategies under live load,
each request as a bar, and a button that deploys: it sends a real
SIGTERM. Requests are counted and judged as in lastcall compare. A
tour of seven steps says what to look for, and why it happens.

In the page, the arrow keys walk the tour, d deploys, and p makes the text large
enough for the back row. Ctrl-C ends it, and all its servers.`,
		Example: `  lastcall demo
  lastcall demo --no-open --addr 127.0.0.1:8080`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serveDemo(cmd.Context(), s, o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.addr, "addr", o.addr, "loopback `host:port` of the page; port 0 chooses a free one")
	cmd.Flags().BoolVar(&o.noOpen, "no-open", false, "print the URL, and open no browser")
	cmd.Flags().StringVar(&o.lang, "lang", o.lang, "`language` of the page: "+strings.Join(demo.Languages(), ", "))
	return cmd
}

// serveDemo serves the page until it is interrupted, which is how it ends well.
func serveDemo(ctx context.Context, s streams, o demoOptions) error {
	texts, err := demo.LoadTexts(o.lang)
	if err != nil {
		return usagef("--lang: %w", err)
	}
	ln, err := listenHere(o.addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	log.SetOutput(io.Discard) // see experiment.run
	outliveReaders()          // the address is printed once, and its reader may leave
	ctx, stop := interruptible(ctx)
	defer stop()
	return demo.Serve(ctx, ln, texts, func(url string) (done func()) {
		fmt.Fprintln(s.out, url)
		if o.noOpen {
			return func() {}
		}
		return demo.OpenBrowser(url)
	})
}

// listenHere listens where only this machine can reach it.
func listenHere(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return nil, usagef("--addr %q is not host:port, as in 127.0.0.1:8080", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usagef("--addr %s can be reached from other machines, and the page starts and kills servers: use 127.0.0.1", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, usagef("--addr %s: %w: use port 0 for a free one", addr, plain(err))
	}
	return ln, nil
}
