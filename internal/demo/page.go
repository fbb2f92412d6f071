package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"strconv"
)

// The page, and its parts. They are files of their own so that the page needs no
// script and no style within it, which its policy forbids.
//
//go:embed page.html page.css stage.css page.js link.js panel.js lanes.js seats.js marks.js legend.js controls.js
var files embed.FS

// assets are the parts of the page.
func assets() []string {
	return []string{"page.css", "stage.css", "page.js", "link.js", "panel.js", "lanes.js", "seats.js", "marks.js", "legend.js", "controls.js"}
}

func asset(name string) http.HandlerFunc {
	text, err := files.ReadFile(name)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			http.NotFound(w, r) // it is embedded by the compiler: a test asks for all
			return
		}
		// Not by the system's table of types: what it says of .js differs.
		w.Header().Set("Content-Type", map[string]string{".js": "text/javascript", ".css": "text/css"}[path.Ext(name)]+"; charset=utf-8")
		_, _ = w.Write(text) // who asked may be gone
	}
}

// sheet is what the page is made of.
type sheet struct {
	Texts      Texts
	Menu       Choices
	Strategies []Strategy
	Places     []int // of the panels, from 1
	Data       any   // for the scripts
}

// page shows the page.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer // whole, or an error: never half a page
	err := pageTemplate.Execute(&out, sheet{
		Texts: s.texts, Menu: Menu(), Strategies: s.strategies, Places: []int{1, 2, 3},
		Data: map[string]any{"texts": s.texts.words, "tour": Tour(), "strategies": s.strategies, "steps": Steps},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // who asked may be gone
}

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"ms": func(n int) string {
		if n >= 1000 && n%1000 == 0 {
			return strconv.Itoa(n/1000) + " s"
		}
		return strconv.Itoa(n) + " ms"
	},
}).ParseFS(files, "page.html"))
