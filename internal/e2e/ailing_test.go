package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ailing are the servers: where the fixtures were built, and the scripts are.
type ailing struct {
	dir string
	t   *testing.T
}

// strategy is the end of a command line that probes one.
func strategy(name string) func(*ailing) []string {
	return func(*ailing) []string { return []string{name} }
}

// fixture is one that probes a server in testdata.
func fixture(name string, args ...string) func(*ailing) []string {
	return func(a *ailing) []string {
		return append(append([]string{"--", filepath.Join(a.dir, name)}, args...), "{port}")
	}
}

// inShell is one that probes a fixture that a shell starts.
func inShell(script string) func(*ailing) []string {
	return func(a *ailing) []string {
		return []string{"--", "sh", "-c", fmt.Sprintf(script, filepath.Join(a.dir, "nobodyaccepts")+" -right {port}")}
	}
}

// inNode is one that probes a script for node.
func inNode(name string) func(*ailing) []string {
	return func(a *ailing) []string { return []string{"--dir", a.dir, "--", "node", name} }
}

// inNginx is one that probes nginx, told to stop by a signal.
func inNginx(signal string) func(*ailing) []string {
	return func(a *ailing) []string {
		return append([]string{"--signal", signal}, slowNginx(a.t)...)
	}
}

func goRun(*ailing) []string {
	return []string{"--", "go", "run", "./testdata/nobodyaccepts", "-right", "{port}"}
}

func installed(name string) bool {
	_, err := exec.LookPath(name)
	if err != nil {
		_, err = os.Stat("/usr/sbin/" + name)
	}
	return err == nil
}

// ailingServers builds the fixtures, writes the scripts, and starts what is behind
// nginx.
func ailingServers(t *testing.T) *ailing {
	t.Helper()
	a := &ailing{dir: t.TempDir(), t: t}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", a.dir+"/", "./testdata/oneworker", "./testdata/nobodyaccepts", "./testdata/untold")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the fixtures: %v\n%s", err, out)
	}
	for name, stop := range map[string]string{
		"right.js": "server.close()",
		"exits.js": "process.exit(0)",
		"holds.js": "require('net').Server.prototype.close.call(server)", // as server.close did before Node.js 19
	} {
		writeFile(t, a.dir, name, fmt.Sprintf(nodeSlow, stop))
	}
	return a
}

// nodeSlow answers /slow?for=600ms, or anything else at once.
const nodeSlow = `const server = require('http').createServer((req, res) => {
	const body = req.url === '/big' ? Buffer.alloc(64 << 20) : 'ok\n';
	req.resume().on('end', () =>
		setTimeout(() => res.end(body), parseInt(new URL(req.url, 'http://x').searchParams.get('for')) || 0));
});
server.keepAliveTimeout = 60000; // longer than that of the balancer before it
server.listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => %s);
`
