package layout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the NOTICE anew")

const noticePath = "../../NOTICE"

// licences are known by words that only their text has, in this order: one that holds the
// words of another stands before it. The name is that of SPDX.
var licences = []struct{ name, words string }{
	{"AGPL", "GNU AFFERO GENERAL PUBLIC LICENSE"},
	{"FTL OR GPL-2.0-or-later", "The FreeType License"},
	{"GPL", "GNU GENERAL PUBLIC LICENSE"},
	{"LGPL", "GNU LESSER GENERAL PUBLIC LICENSE"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"CC-BY-4.0", "Creative Commons Attribution 4.0 International"},
	{"MIT AND Apache-2.0", "covered by two different licenses: MIT and Apache"},
	{"Apache-2.0", "Apache License Version 2.0"},
	{"BSD-3-Clause", "Neither the name of"},
	{"BSD-3-Clause", "names of its contributors may not be used"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
	{"MIT", "Permission is hereby granted, free of charge"},
}

// allowed may be linked into a program under the MIT licence. CC-BY-4.0 asks for an
// attribution, which the NOTICE is.
var allowed = []string{"MIT", "MIT AND Apache-2.0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "CC-BY-4.0", "FTL OR GPL-2.0-or-later"}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)(\.(md|txt))?$`)
	copyright   = regexp.MustCompile(`(?mi)^\W*(copyright (?:\(c\)|©|[0-9]).*|copyright ©.*)$`)
)

// linked is a module whose code is in the program.
type linked struct{ path, version, licence, owners string }

// TestNotice asks that the licence of each module that is linked may be, and that the
// NOTICE names all of them.
func TestNotice(t *testing.T) {
	modules := linkedModules(t)
	if len(modules) < 20 {
		t.Fatalf("only %d modules are linked", len(modules))
	}
	var text strings.Builder
	fmt.Fprint(&text, "lastcall\nCopyright (c) 2026 The lastcall authors, under the MIT licence (LICENSE).\n\n"+
		"The program holds code of these modules, under the licences of their own.\nEach module's licence stands in its source.\n")
	for _, m := range modules {
		if !slices.Contains(allowed, m.licence) {
			t.Errorf("%s has the licence %q, which is none of %q", m.path, m.licence, allowed)
		}
		fmt.Fprintf(&text, "\n%s %s\n  %s\n  %s\n", m.path, m.version, m.licence, m.owners)
	}
	if *update {
		if err := os.WriteFile(noticePath, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(noticePath)
	if err != nil || string(have) != text.String() {
		t.Errorf("NOTICE does not name what is linked (%v): go test ./internal/layout -run TestNotice -update", err)
	}
}

// linkedModules are those of the program for Linux, wherever the test runs.
func linkedModules(t *testing.T) []linked {
	t.Helper()
	t.Setenv("GOOS", "linux")
	t.Setenv("GOARCH", "amd64")
	seen := make(map[string]bool)
	var all []linked
	for _, line := range list(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "lastcall") {
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 || seen[fields[0]] {
			continue
		}
		seen[fields[0]] = true
		m := linked{path: fields[0], version: fields[1]}
		m.licence, m.owners = licenceOf(t, fields[2])
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b linked) int { return strings.Compare(a.path, b.path) })
	return all
}

// licenceOf reads the licence of a module's source.
func licenceOf(t *testing.T, dir string) (name, owners string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for _, e := range entries {
		if !licenceFile.MatchString(e.Name()) {
			continue
		}
		one, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text += string(one)
	}
	var holders []string
	for _, found := range copyright.FindAllStringSubmatch(text, -1) {
		holder := strings.Join(strings.Fields(found[1]), " ")
		if !slices.Contains(holders, holder) {
			holders = append(holders, holder)
		}
	}
	if len(holders) == 0 {
		holders = []string{"the authors of the module"}
	}
	plain := strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		if strings.Contains(plain, l.words) {
			return l.name, strings.Join(holders, "; ")
		}
	}
	return "unknown", strings.Join(holders, "; ")
}
