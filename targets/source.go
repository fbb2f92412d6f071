package targets

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// Helper is something of this package that a strategy uses and that its file does
// not show.
type Helper struct {
	Name   string // as in interrupted, or App.Drain
	Source string // with its comment
}

// longest is how many lines of a helper are shown.
const longest = 45

// Helpers returns the functions, methods and constants of this package that the
// strategy itself uses, in the order in which it does. What these use in turn is not
// followed.
func (s Strategy) Helpers() ([]Helper, error) {
	all, err := readPackage()
	if err != nil {
		return nil, err
	}
	own, err := all.stopper(s)
	if err != nil {
		return nil, err
	}
	var found []Helper
	seen := make(map[string]bool)
	ast.Inspect(own.Body, func(n ast.Node) bool {
		name, inward := all.used(n)
		if source := all.helpers[name]; source != "" && !seen[name] {
			seen[name] = true
			found = append(found, Helper{name, source})
		}
		return inward
	})
	return found, nil
}

// Shuts reports whether the strategy calls http.Server.Shutdown.
func (s Strategy) Shuts() bool { return strings.Contains(s.Source(), "server.Shutdown(") }

// sourceCode is this package as it was embedded.
type sourceCode struct {
	files   map[string]*ast.File // by name
	text    map[string]string
	set     *token.FileSet
	helpers map[string]string            // source by name: a function's, a method's, a constant's, a field's
	consts  map[string]bool              // which of them are constants
	fields  map[string]map[string]string // of each struct, the type's name of each field, "" for a foreign one
}

// readPackage parses what was embedded, without its tests.
func readPackage() (*sourceCode, error) {
	c := &sourceCode{
		files: make(map[string]*ast.File), text: make(map[string]string), set: token.NewFileSet(),
		helpers: make(map[string]string), consts: make(map[string]bool), fields: make(map[string]map[string]string),
	}
	names, err := fs.Glob(sources, "*.go")
	if err != nil {
		return nil, fmt.Errorf("read the package's source: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := sources.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the package's source: %w", err)
		}
		file, err := parser.ParseFile(c.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("read the package's source: %w", err)
		}
		c.files[name], c.text[name] = file, string(text)
		for _, d := range file.Decls {
			c.enter(d)
		}
	}
	return c, nil
}

// enter notes what a declaration declares.
func (c *sourceCode) enter(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = typeName(d.Recv.List[0].Type) + "." + name
		}
		c.helpers[name] = c.cut(d.Doc, d, nil)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				c.enterConstant(d, spec)
			case *ast.TypeSpec:
				if shape, ok := spec.Type.(*ast.StructType); ok {
					c.enterFields(spec.Name.Name, shape)
				}
			}
		}
	}
}

func (c *sourceCode) enterConstant(d *ast.GenDecl, spec *ast.ValueSpec) {
	if d.Tok != token.CONST || len(spec.Names) != 1 {
		return
	}
	name, doc := spec.Names[0].Name, spec.Doc
	if !d.Lparen.IsValid() {
		doc = d.Doc
	}
	above, value := "", c.cut(nil, spec, spec.Comment)
	if doc != nil {
		above = c.cut(nil, doc, nil) + "\n"
	}
	c.helpers[name], c.consts[name] = above+"const "+value, true
}

// enterFields notes the types of a struct's fields, and the fields themselves.
func (c *sourceCode) enterFields(owner string, shape *ast.StructType) {
	c.fields[owner] = make(map[string]string)
	for _, f := range shape.Fields.List {
		for _, name := range f.Names {
			c.fields[owner][name.Name] = typeName(f.Type)
			if typeName(f.Type) == "" { // a value: what it means stands only here
				c.helpers[owner+"."+name.Name] = c.cut(f.Doc, f, f.Comment)
			}
		}
	}
}

// cut returns the text of a node with its comment before and after it, outdented.
func (c *sourceCode) cut(doc *ast.CommentGroup, node ast.Node, after *ast.CommentGroup) string {
	begin, end := node.Pos(), node.End()
	if doc != nil {
		begin = doc.Pos()
	}
	if after != nil {
		end = after.End()
	}
	from, to := c.set.Position(begin), c.set.Position(end)
	text := c.text[from.Filename][from.Offset:to.Offset]
	lines := strings.Split(text, "\n")
	for i := range lines[1:] {
		if from.Column > 1 { // in a list in brackets, or a struct
			lines[i+1] = strings.TrimPrefix(lines[i+1], "\t")
		}
	}
	if n := len(lines) - longest; n > 0 {
		lines = append(lines[:longest], fmt.Sprintf("// ... and %d more lines in targets/%s", n, from.Filename))
	}
	return strings.Join(lines, "\n")
}

// stopper returns the function that is the strategy: the one of its file that takes
// the service.
func (c *sourceCode) stopper(s Strategy) (*ast.FuncDecl, error) {
	if file := c.files[s.file()]; file != nil {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && len(f.Type.Params.List) == 2 && typeName(f.Type.Params.List[1].Type) == "App" {
				return f, nil
			}
		}
	}
	return nil, fmt.Errorf("%s has no function of the type Stopper", s.file())
}

// used returns the name of the helper that a node uses, or "", and whether there may
// be more inside it.
func (c *sourceCode) used(n ast.Node) (name string, inward bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok {
			return f.Name, true
		}
	case *ast.Ident: // a function's own variables may be called as a function is, but not as a constant
		if c.consts[n.Name] {
			return n.Name, false
		}
	case *ast.SelectorExpr:
		if path := pathOf(n); path[0] == "app" {
			return c.member(path[1:]), false
		}
	}
	return "", true
}

// member follows a path such as Streams.Close from the service to the type whose it
// is: Streams.Close is a method of Streams.
func (c *sourceCode) member(path []string) string {
	owner := "App"
	for _, name := range path[:len(path)-1] {
		if owner = c.fields[owner][name]; owner == "" {
			return "" // of another package
		}
	}
	return owner + "." + path[len(path)-1]
}

// pathOf returns the names of a selector such as app.Streams.Close, or one empty name
// if something else than names is in it.
func pathOf(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.Ident:
		return []string{e.Name}
	case *ast.SelectorExpr:
		if before := pathOf(e.X); before[0] != "" {
			return append(before, e.Sel.Name)
		}
	}
	return []string{""}
}

// typeName returns the name of a type of this package that is pointed to, or "".
func typeName(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		if name, ok := star.X.(*ast.Ident); ok {
			return name.Name
		}
	}
	return ""
}
