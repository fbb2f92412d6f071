package scenario

import (
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"},
		{time.Millisecond - 1, "less than 1 ms"},
		{time.Millisecond, "1 ms"},
		{1499 * time.Microsecond, "1 ms"},
		{999 * time.Millisecond, "999 ms"},
		{999_600 * time.Microsecond, "1 s"},
		{1249 * time.Millisecond, "1.2 s"},
		{-1249 * time.Millisecond, "-1.2 s"},
		{90 * time.Second, "90 s"},
		{10 * time.Minute, "10 min"},
		{200 * time.Second, "3 min 20 s"},
		{time.Hour - time.Millisecond, "1 h"},
		{125*time.Minute + 20*time.Second, "2 h 5 min"},
	} {
		if got := InWords(tt.d); got != tt.want {
			t.Errorf("InWords(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}
