package reports

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"lastcall/harness/result"
)

// The picture's size.
const (
	svgWidth  = 9 * vg.Inch
	svgHeight = 4.5 * vg.Inch
)

// laneColors are those of Okabe and Ito, which most eyes can tell apart.
var laneColors = map[string]color.RGBA{
	"reused": {R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	"fresh":  {R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
}

// SweepSVG draws a sweep as a picture: the share that was lost by the instant of
// sending, with its 95 % intervals, and a line at the signal.
func SweepSVG(w io.Writer, s result.Sweep) error {
	p := plot.New()
	p.Title.Text = sweepTitle(s)
	p.Title.Padding = vg.Points(8)
	p.BackgroundColor = color.White
	p.X.Label.Text = fmt.Sprintf("written so long after %s, in ms (before it: negative)", clean(s.Signal))
	p.Y.Label.Text = "lost, of those at risk"
	p.X.Padding, p.Y.Padding = vg.Points(4), vg.Points(4)
	p.Y.Min, p.Y.Max = 0, 1.16 // above all there is room for the legend
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(instantTicks), plot.TickerFunc(percentTicks)
	for _, style := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		style.Variant = "Sans"
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.TextStyle.Font.Size = vg.Points(10)

	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 0xe6}, color.Gray{Y: 0xe6}
	p.Add(grid)
	for i, lane := range s.Lanes {
		if err := addLane(p, lane, i); err != nil {
			return fmt.Errorf("draw svg: %w", err)
		}
	}
	if err := addUnproved(p, s); err != nil {
		return fmt.Errorf("draw svg: %w", err)
	}
	if err := addSignal(p, s); err != nil {
		return fmt.Errorf("draw svg: %w", err)
	}
	canvas := vgsvg.New(svgWidth, svgHeight)
	p.Draw(draw.New(canvas))
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	return nil
}

// points are the rates of a lane with their intervals, in the form of gonum.
type points struct {
	plotter.XYs
	plotter.YErrors
}

// place is where a bin of the lane of that index stands, in milliseconds: two lanes
// stand a little apart, so that one does not hide the other.
func place(b result.SweepBin, index int) float64 {
	return ((b.FromUS+b.ToUS)/2 + (float64(index)-0.5)*0.2*(b.ToUS-b.FromUS)) / 1000
}

// runsOf are the bins of a lane that have requests at risk, and prove something: those
// that follow one another are joined by a line.
func runsOf(lane result.SweepLane, index int) (runs []points) {
	joined := false
	for _, b := range lane.Bins {
		if b.Rate == nil || b.Low == nil || b.High == nil || b.ProvesNothing {
			joined = false
			continue
		}
		if !joined {
			runs = append(runs, points{})
		}
		joined = true
		last := &runs[len(runs)-1]
		last.XYs = append(last.XYs, plotter.XY{X: place(b, index), Y: *b.Rate})
		last.YErrors = append(last.YErrors, struct{ Low, High float64 }{*b.Rate - *b.Low, *b.High - *b.Rate})
	}
	return runs
}

// addLane draws the bins of a lane.
func addLane(p *plot.Plot, lane result.SweepLane, index int) error {
	shade := laneColors[lane.Connections]
	for i, run := range runsOf(lane, index) {
		line, dots, err := plotter.NewLinePoints(run.XYs)
		if err != nil {
			return err
		}
		bars, err := plotter.NewYErrorBars(run)
		if err != nil {
			return err
		}
		line.Color, line.Width = shade, vg.Points(1.2)
		dots.Color, dots.Shape, dots.Radius = shade, draw.CircleGlyph{}, vg.Points(2)
		bars.Color, bars.Width, bars.CapWidth = color.NRGBA{R: shade.R, G: shade.G, B: shade.B, A: 0x90}, vg.Points(0.8), vg.Points(3)
		p.Add(bars, line, dots)
		if i == 0 {
			text := fmt.Sprintf("%s: %d of %d lost", laneName(lane.Connections), lane.Sum.Lost, lane.Sum.AtRisk)
			if n := lane.Discarded(); n > 0 {
				text += fmt.Sprintf(", %d discarded", n)
			}
			p.Legend.Add(text, line, dots)
		}
	}
	return nil
}

// addUnproved marks the bins that prove nothing with a cross.
func addUnproved(p *plot.Plot, s result.Sweep) error {
	named := false
	for i, lane := range s.Lanes {
		var at plotter.XYs
		for _, b := range lane.Bins {
			if b.ProvesNothing {
				at = append(at, plotter.XY{X: place(b, i), Y: 0})
			}
		}
		if len(at) == 0 {
			continue
		}
		crosses, err := plotter.NewScatter(at)
		if err != nil {
			return err
		}
		crosses.Color, crosses.Shape, crosses.Radius = laneColors[lane.Connections], draw.CrossGlyph{}, vg.Points(3)
		p.Add(crosses)
		if !named {
			p.Legend.Add(fmt.Sprintf("proves nothing: fewer than %d requests count, none was lost", s.EnoughShots), crosses)
		}
		named = true
	}
	return nil
}

// addSignal draws the line at the signal, and its name.
func addSignal(p *plot.Plot, s result.Sweep) error {
	for _, lane := range s.Lanes {
		for _, b := range lane.Bins {
			p.X.Min, p.X.Max = math.Min(p.X.Min, b.FromUS/1000), math.Max(p.X.Max, b.ToUS/1000)
		}
	}
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 0, Y: 1.06}})
	if err != nil {
		return err
	}
	line.Width, line.Dashes = vg.Points(1), []vg.Length{vg.Points(4), vg.Points(3)}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: 0, Y: 1.02}}, Labels: []string{clean(s.Signal)}})
	if err != nil {
		return err
	}
	labels.Offset.X = vg.Points(4)
	labels.TextStyle[0].Font.Variant = "Sans"
	p.Add(line, labels)
	return nil
}

// instantTicks are at round numbers of milliseconds.
func instantTicks(lowest, highest float64) []plot.Tick {
	every := tick(1000*(highest-lowest)) / 1000
	var ticks []plot.Tick
	for n := math.Ceil(lowest/every - 1e-9); n*every <= highest+1e-9; n++ {
		at := math.Round(n*every*1e6) / 1e6 // to the nanosecond: 0.1 has no end in binary
		ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%g", at)})
	}
	return ticks
}

// percentTicks are at every tenth.
func percentTicks(lowest, highest float64) []plot.Tick {
	var ticks []plot.Tick
	for tenth := range 11 {
		t := plot.Tick{Value: float64(tenth) / 10}
		if tenth%2 == 0 {
			t.Label = fmt.Sprintf("%d%%", 10*tenth)
		}
		if t.Value >= lowest && t.Value <= highest {
			ticks = append(ticks, t)
		}
	}
	return ticks
}
