package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"multihome.i2p/sim/game"
)

// isTerminal reports whether somebody watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// progressLine shows how far a run has come in one line that it overwrites. It
// shows nothing at all where nobody watches.
type progressLine struct {
	mu    sync.Mutex // the run and the signals both write
	w     io.Writer  // nil: nobody watches
	label string
	now   func() time.Time

	start   time.Time
	shown   time.Time
	visible bool
	recent  []sample // of the last minute, oldest first
}

// sample is how many trials this process had done at a time.
type sample struct {
	at   time.Time
	done int
}

const (
	redrawEvery  = 100 * time.Millisecond
	sampleEvery  = time.Second
	recentWindow = time.Minute
	labelWidth   = 32 // leaves room for the numbers in 80 columns
)

func newProgressLine(w io.Writer, label string, now func() time.Time) *progressLine {
	if r := []rune(label); len(r) > labelWidth {
		label = string(r[:labelWidth-1]) + "…"
	}
	p := &progressLine{w: w, label: label, now: now, start: now()}
	p.recent = []sample{{at: p.start}}
	return p
}

// restart forgets how fast it went: what comes is another simulation.
func (p *progressLine) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start = p.now()
	p.recent = []sample{{at: p.start}}
}

// update shows g, unless it has just shown something else.
func (p *progressLine) update(g game.Progress) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	done := g.Done - g.Resumed - g.Reused
	if now.Sub(p.recent[len(p.recent)-1].at) >= sampleEvery {
		p.recent = append(p.recent, sample{now, done})
		for len(p.recent) > 2 && now.Sub(p.recent[0].at) > recentWindow {
			p.recent = p.recent[1:]
		}
	}
	if p.visible && now.Sub(p.shown) < redrawEvery && g.Done < g.Total {
		return
	}
	p.shown, p.visible = now, true
	fmt.Fprintf(p.w, "\r\x1b[K%s: %s", p.label, p.text(g, now))
}

// phase shows what goes on while no trial finishes.
func (p *progressLine) phase(name string) {
	if p.w == nil || name == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown, p.visible = p.now(), true
	fmt.Fprintf(p.w, "\r\x1b[K%s: %s", p.label, name)
}

// text is the line. It names a remaining time as soon as that is more than a
// guess: what the trials to come cost, each as its cell was measured, over as many at
// once as there have been. Where nothing measures them, the slower of two rates counts:
// that of the whole run and that of the last minute.
func (p *progressLine) text(g game.Progress, now time.Time) string {
	text := fmt.Sprintf("%d of %d trials", g.Done, g.Total)
	done, elapsed := g.Done-g.Resumed-g.Reused, now.Sub(p.start).Seconds()
	if done < 3 || elapsed < 1 {
		return text
	}
	rate := float64(done) / elapsed
	if last := p.recent[0]; now.Sub(last.at) >= 5*time.Second {
		rate = math.Min(rate, float64(done-last.done)/now.Sub(last.at).Seconds())
	}
	if rate <= 0 {
		return text + ", no progress in the last minute"
	}
	if rate >= 1 {
		text += fmt.Sprintf(", %.3g/s", rate)
	} else {
		text += fmt.Sprintf(", %.3g/min", rate*60)
	}
	left := float64(g.Total-g.Done) / rate
	if g.Spent > 0 {
		atOnce := float64(g.Spent) / 1e9 / elapsed // workers, as far as they were at work
		left = float64(g.Left) / 1e9 / atOnce
	}
	return text + ", about " + roundDuration(left) + " left"
}

// roundDuration writes seconds with no more precision than a forecast has.
func roundDuration(seconds float64) string {
	s := math.Ceil(seconds)
	switch {
	case s < 60:
		return fmt.Sprintf("%.0f s", s)
	case s < 100*60:
		return fmt.Sprintf("%.0f min", math.Ceil(s/60))
	case s < 48*3600:
		return fmt.Sprintf("%.1f h", s/3600)
	}
	return fmt.Sprintf("%.1f days", s/86400)
}

// say writes a line of its own.
func (p *progressLine) say(w io.Writer, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(w, text)
}

// clear removes the line from the terminal.
func (p *progressLine) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progressLine) erase() {
	if p.visible {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.visible = false
	}
}
