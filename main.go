// Command lastcall tells whether a server loses requests when it is told to
// stop.
package main

import (
	"os"

	"lastcall/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
