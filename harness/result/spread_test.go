package result

import "testing"

func TestSpread(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		want   Spread
	}{
		{"no sample", nil, Spread{}},
		{"one", []float64{4}, Spread{Min: 4, Median: 4, Max: 4}},
		{"two", []float64{4, 1}, Spread{Min: 1, Median: 2.5, Max: 4}},
		{"three, in disorder", []float64{9, 1, 2}, Spread{Min: 1, Median: 2, Max: 9}},
	}
	for _, tt := range tests {
		if got := SpreadOf(tt.values); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
