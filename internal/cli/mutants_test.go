package cli

import (
	"bytes"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/reports"
	"lastcall/scenarios"
)

// mutants is how many files each of the tests below spoils.
var mutants = flag.Int("mutants", 300, "spoiled files for each decoder")

// odd are the numbers that break what was written for plausible ones.
var odd = []string{
	"0", "-1", "1", "2", "255", "65535", "65536", "4294967295", "4294967296", "9007199254740992", "9007199254740993",
	"9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "1e308", "-1e308", "1e400", "0.5", "-0.0",
	"86400000000000", "-86400000000000", "31622400000000000", "31622400000000001",
}

var (
	numberToken = regexp.MustCompile(`-?\d+(\.\d+)?([eE][+-]?\d+)?`)
	stringToken = regexp.MustCompile(`:"[^"\\]*"`)
)

// mutate spoils a text of JSON lines in one to three places.
func mutate(r *rand.Rand, text []byte) []byte {
	text = bytes.Clone(text)
	for range 1 + r.IntN(3) {
		switch r.IntN(8) {
		case 0, 1, 2, 3: // a number becomes an odd one
			text = replaceOne(r, text, numberToken, odd[r.IntN(len(odd))])
		case 4: // a string becomes another, of the same file or hostile
			other := `:"` + hostile[r.IntN(len(hostile))] + `"`
			if all := stringToken.FindAll(text, -1); len(all) > 0 && r.IntN(2) == 0 {
				other = string(all[r.IntN(len(all))])
			}
			text = replaceOne(r, text, stringToken, other)
		case 5: // two lines change places, or one is there twice, or none
			lines := bytes.SplitAfter(text, []byte("\n"))
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			switch r.IntN(3) {
			case 0:
				lines[i], lines[j] = lines[j], lines[i]
			case 1:
				lines[i] = lines[j]
			case 2:
				lines[i] = nil
			}
			text = bytes.Join(lines, nil)
		case 6: // it ends early
			if r.IntN(4) == 0 {
				text = text[:r.IntN(len(text)+1)]
			}
		case 7: // a byte is another
			if len(text) > 0 {
				text[r.IntN(len(text))] = byte(r.IntN(256))
			}
		}
	}
	return text
}

var hostile = []string{"", "<script>", "]]>", "::add-mask::a", "##[error]x", `\u001b[2J`, `\u0000`, "\xff", "../../x", strings.Repeat("w", 5000), "SIGKILL", "dropped", "NaN"}

func replaceOne(r *rand.Rand, text []byte, token *regexp.Regexp, with string) []byte {
	all := token.FindAllIndex(text, -1)
	if len(all) == 0 {
		return text
	}
	at := all[r.IntN(len(all))]
	return append(append(bytes.Clone(text[:at[0]]), with...), text[at[1]:]...)
}

// TestSpoiledHistories: a recording that is not as it was written is refused in one line,
// or is judged and rendered in every format.
func TestSpoiledHistories(t *testing.T) {
	originals, err := filepath.Glob("testdata/histories/*" + historySuffix)
	if err != nil || len(originals) < 3 {
		t.Fatalf("recordings %q, error %v", originals, err)
	}
	spoil(t, originals, 1, func(path string, stderr io.Writer) int {
		args := []string{"report", filepath.Dir(path)}
		for _, format := range reports.Names() {
			args = append(args, "--report", format+"="+filepath.Join(filepath.Dir(path), format))
		}
		return Run(args, strings.NewReader(""), io.Discard, stderr)
	})
}

// TestSpoiledReports: the same of a baseline, and of both sides of a diff.
func TestSpoiledReports(t *testing.T) {
	histories, err := readHistories("testdata/histories")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := reports.JSON(&text, check.Judge(histories, policyNamed(t, "default"))); err != nil {
		t.Fatal(err)
	}
	whole := write(t, "whole.json", text.String())
	spoil(t, []string{whole}, 3, func(path string, stderr io.Writer) int {
		Run([]string{"diff", path, whole, "--report", "markdown"}, strings.NewReader(""), io.Discard, stderr)
		Run([]string{"report", "testdata/histories", "--baseline", path, "--report", "html"}, strings.NewReader(""), io.Discard, stderr)
		return Run([]string{"diff", whole, path}, strings.NewReader(""), io.Discard, stderr)
	})
}

// spoil mutates the files in turn and has each read. It asks for so many lines at most of
// each that is refused, for no panic, and for an end within seconds.
func spoil(t *testing.T, originals []string, lines int, read func(path string, stderr io.Writer) int) {
	n := *mutants
	if testing.Short() {
		n /= 10
	}
	texts := make([][]byte, len(originals))
	for i, name := range originals {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	t.Setenv("TMPDIR", t.TempDir()) // for the stack of a panic
	accepted, slowest := 0, time.Duration(0)
	var most uint64
	for i := range n {
		path := filepath.Join(t.TempDir(), filepath.Base(originals[i%len(originals)]))
		text := mutate(r, texts[i%len(texts)])
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		began := time.Now()
		code := read(path, &stderr)
		slowest = max(slowest, time.Since(began))
		if code != exitUsage {
			accepted++
		}
		if said := stderr.String(); strings.Contains(said, "bug in lastcall") || code == exitUsage && strings.Count(said, "\n") > lines {
			kept := filepath.Join(os.TempDir(), "spoiled-"+filepath.Base(path))
			t.Fatalf("exit code %d, it says %q; the file is kept as %s: %v", code, said, kept, os.WriteFile(kept, text, 0o600))
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Fatalf("it took %s", took)
		}
		if i%50 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapSys)
		}
		os.RemoveAll(filepath.Dir(path))
	}
	t.Logf("%d spoiled files, of which %d were taken; the slowest took %s; heap at most %d MB", n, accepted, slowest.Round(time.Millisecond), most>>20)
	if accepted < n/10 {
		t.Errorf("only %d of %d spoiled files were taken: the others prove little", accepted, n)
	}
}

// TestSpoiledScenarios: the file of a scenario is refused with the place shown, or is one. The
// command that it is for does not exist, so that nothing is started.
func TestSpoiledScenarios(t *testing.T) {
	var originals []string
	for _, name := range scenarios.Names() {
		var text strings.Builder
		if code := Run([]string{"explain", name}, strings.NewReader(""), &text, io.Discard); code != exitPass {
			t.Fatalf("explain %s: exit code %d", name, code)
		}
		originals = append(originals, write(t, name+".yaml", text.String()))
	}
	spoil(t, originals, 10, func(path string, stderr io.Writer) int {
		code := Run([]string{"test", "--file", path, "--", "/no/such/program"}, strings.NewReader(""), io.Discard, stderr)
		if _, err := scenarios.Load(path); err == nil {
			return exitPass // it was taken
		}
		return code
	})
}
