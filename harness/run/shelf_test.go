package run

import (
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestShelf: records are the same in the file, also when it is closed, and leave no name.
func TestShelf(t *testing.T) {
	for _, record := range []reflect.Type{
		reflect.TypeFor[history.Request](), reflect.TypeFor[history.Look](), reflect.TypeFor[history.Closing](), reflect.TypeFor[history.LedgerLine](),
	} {
		for _, field := range reflect.VisibleFields(record) {
			if k := field.Type.Kind(); k > reflect.Float64 || k == reflect.Uintptr {
				t.Fatalf("%s is a %s: a record must hold no pointer, which the collector would not see in a file", field.Name, k)
			}
		}
	}
	dir := t.TempDir()
	s, err := newShelf(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want, got [][]history.Request
	for n := range 20 {
		records := make([]history.Request, n*37)
		for i := range records {
			records[i] = history.Request{Seq: uint32(i), Outcome: history.Dropped, Port: uint16(n), Started: time.Duration(i), Length: -1}
		}
		shelved, err := put(s, records)
		if err != nil {
			t.Fatal(err)
		}
		want, got = append(want, records), append(got, shelved)
	}
	s.close()
	for n := range want {
		if !slices.Equal(want[n], got[n]) {
			t.Errorf("the records of shutdown %d have changed", n)
		}
	}
	got[3][0].Outcome = history.Failed // as CompareAnswers does
	if got[3][0].Outcome != history.Failed || got[2][0].Outcome != history.Dropped {
		t.Error("a record cannot be changed, or changes others")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it has left %v, %v", left, err)
	}
}

// TestFullShelf: what finds no room is said, so that the records are kept in memory.
func TestFullShelf(t *testing.T) {
	s, err := newShelf(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	if _, err := put(s, make([]history.Request, 3)); err == nil {
		t.Error("records are said to be in a file that is closed")
	}
}
