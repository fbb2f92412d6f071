package reports

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"

	"lastcall/harness/result"
	"lastcall/reports/picture"
)

//go:embed page
var pageFiles embed.FS

// pageTemplate is parsed once. A mistake in it is one of ours, which every test of
// this package meets.
var pageTemplate = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{"prose": prose}).ParseFS(pageFiles, "page/page.tmpl", "page/probes.tmpl"))

// code is what stands between two backticks.
var code = regexp.MustCompile("`([^`]+)`")

// prose is a sentence as the page takes it: what it quotes as code is set as code,
// and all of it is text.
func prose(text string) template.HTML {
	return template.HTML(code.ReplaceAllString(template.HTMLEscapeString(text), "<code>$1</code>")) // escaped first: a backtick never is
}

// HTML writes one page that holds everything: the verdicts, the comparison, the
// shutdowns as pictures, the findings, and how to run it again. It asks nobody for
// anything, and its own policy forbids it to. What came from a server is text in
// it. The pictures are drawn from the style's histories; without them the page
// says that they are missing.
func (style Style) HTML(w io.Writer, s result.Suite) error { return style.html(w, s, nil) }

// html writes the page, with what a comparison with a baseline came to, if there is
// one.
func (style Style) html(w io.Writer, s result.Suite, d *result.Diff) error {
	p, err := newPage(s, style.Histories)
	if err == nil && d != nil {
		p.Baseline, err = newPageBaseline(*d)
	}
	if err != nil {
		return fmt.Errorf("write html report: %w", err)
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		return fmt.Errorf("write html report: %w", err)
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write html report: %w", err)
	}
	return nil
}

// asset is a file of the page.
func asset(name string) (string, error) {
	text, err := pageFiles.ReadFile("page/" + name)
	return string(text), err
}

// policy allows this very style and this very script, and nothing else: no
// network, no frames, no forms, and nothing that a server smuggled in.
//
// https://www.w3.org/TR/CSP3/#source-list-syntax
func policy(style, script string) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; base-uri 'none'; form-action 'none'"
}

// drawn is a drawing as the page takes it: package picture escapes what it writes.
type drawn struct {
	Height string
	Marks  template.HTML
	Label  string
}

func show(d picture.Drawing, label string) *drawn {
	return &drawn{Height: fmt.Sprintf("%.0f", d.Height+0.5), Marks: template.HTML(d.SVG), Label: label}
}
