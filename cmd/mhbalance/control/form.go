package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"multihome.i2p/balancer/live"
)

// Format and version of the JSON form.
const (
	Format  = "multihome-status"
	Version = 1
)

// The JSON form. Ages are seconds before the moment that the status describes;
// null stands for what never was, or is not known.
type (
	// Form is the state of everything.
	Form struct {
		Format       string            `json:"format"`
		Version      int               `json:"version"`
		AgeS         float64           `json:"age_s"` // of what follows
		Destinations []DestinationForm `json:"destinations"`
		Routers      []RouterForm      `json:"routers"`
	}
	// DestinationForm is the state of a Destination.
	DestinationForm struct {
		Name          string      `json:"name"`
		B32           string      `json:"b32"`
		Health        string      `json:"health"` // "ok", or what is wrong
		Published     int64       `json:"published"`
		PublishedAgeS *float64    `json:"published_age_s"`
		Confirmed     int64       `json:"confirmed"`
		ConfirmedAgeS *float64    `json:"confirmed_age_s"`
		Publisher     string      `json:"publisher"`
		Leases        []LeaseForm `json:"leases"`
		Clients       int         `json:"clients"`
		Received      uint64      `json:"received"`
		Sent          uint64      `json:"sent"`
		Dropped       uint64      `json:"dropped"`
		// PolicyFailures is how often the policy's own code failed.
		PolicyFailures uint64 `json:"policy_failures"`
	}
	// LeaseForm is a lease of the newest LeaseSet.
	LeaseForm struct {
		Gateway string  `json:"gw"`
		Tunnel  uint32  `json:"tunnel"`
		End     int64   `json:"end"`
		LeftS   float64 `json:"left_s"` // until its end; negative after it
		Router  string  `json:"router"`
	}
	// RouterForm is the state of a router.
	RouterForm struct {
		Name         string   `json:"name"`
		State        string   `json:"state"`
		Drained      bool     `json:"drained"` // by an operator, whatever the state
		StateAgeS    *float64 `json:"state_age_s"`
		Problem      string   `json:"problem"`
		Kind         string   `json:"kind"`
		Version      string   `json:"version"`
		Extension    bool     `json:"extension"`
		Capabilities []string `json:"capabilities"`
		Tunnels      int      `json:"tunnels"`
		Leases       int      `json:"leases"` // that have not ended
		ClockOffsetS float64  `json:"clock_offset_s"`
		HeardAgeS    *float64 `json:"heard_age_s"`
	}
)

// NewForm returns the form of a status that was taken at a time and is told now.
func NewForm(st *live.Status, taken, now time.Time) *Form {
	f := &Form{
		Format: Format, Version: Version, AgeS: seconds(now.Sub(taken)),
		Destinations: []DestinationForm{}, Routers: []RouterForm{},
	}
	age := func(t time.Time) *float64 {
		if t.IsZero() {
			return nil
		}
		s := seconds(taken.Sub(t))
		return &s
	}
	held := map[string]int{}
	for i := range st.Destinations {
		d := &st.Destinations[i]
		x := DestinationForm{
			Name: d.Name, B32: d.B32, Health: healthOf(d, taken), Published: d.Published, Confirmed: d.Confirmed,
			ConfirmedAgeS: age(d.ConfirmedAt), Publisher: d.Publisher, Leases: []LeaseForm{}, Clients: d.Clients,
			Received: d.Received, Sent: d.Sent, Dropped: d.Dropped, PolicyFailures: d.PolicyFailures,
		}
		if d.Published != 0 {
			x.PublishedAgeS = age(time.Unix(d.Published, 0))
		}
		for _, l := range d.Leases {
			x.Leases = append(x.Leases, LeaseForm{
				Gateway: l.Gateway.String(), Tunnel: uint32(l.Tunnel), End: l.End.Unix(), LeftS: seconds(l.End.Sub(taken)), Router: l.Router,
			})
			if l.End.After(taken) {
				held[l.Router]++
			}
		}
		f.Destinations = append(f.Destinations, x)
	}
	for i := range st.Routers {
		r := &st.Routers[i]
		state, problem := stateOf(r)
		f.Routers = append(f.Routers, RouterForm{
			Name: r.Name, State: state, Drained: r.State == drain, StateAgeS: age(r.Since), Problem: problem, Kind: r.Kind, Version: r.Version,
			Extension: r.Extension, Capabilities: append([]string{}, r.Capabilities...), Tunnels: r.Tunnels, Leases: held[r.Name],
			ClockOffsetS: seconds(r.ClockOffset), HeardAgeS: age(r.Heard),
		})
	}
	return f
}

// States that are not told as the service tells them.
const (
	down  = "down"
	drain = "drain"
)

// stateOf is a router's state, and why it is down. The service calls a router that
// is drained so even when it is dead; who waits for a drained router to run out
// must learn that there is nothing to wait for.
func stateOf(r *live.RouterStatus) (state, problem string) {
	state, problem = r.State, r.Problem
	if state == drain && problem != "" {
		state = down
	}
	if state == down && problem == "" {
		problem = "not connected yet"
	}
	return state, problem
}

// seconds is a duration in seconds with milliseconds.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e3) / 1e3 }

// ok is the health of a Destination that can be reached.
const ok = "ok"

// healthOf tells whether a Destination can be reached, or why not.
func healthOf(d *live.DestinationStatus, now time.Time) string {
	if d.Published == 0 {
		return "no LeaseSet has been published yet"
	}
	for _, l := range d.Leases {
		if l.End.After(now) {
			return ok
		}
	}
	return "the LeaseSet that was published last has no live lease"
}

// staleAfter is how old a status may be before it counts as no answer at all.
const staleAfter = 15 * time.Second

// Health returns nil if every Destination can be reached as far as a status
// tells, or else the reasons, one a line.
func Health(f *Form) error {
	if f.AgeS > staleAfter.Seconds() {
		return fmt.Errorf("the balancer has not answered for %.0f s", f.AgeS)
	}
	var wrong []error
	for _, d := range f.Destinations {
		if d.Health != ok {
			wrong = append(wrong, fmt.Errorf("destination %s: %s", d.Name, d.Health))
		}
	}
	return errors.Join(wrong...)
}

// Encode returns the bytes of the JSON form.
func (f *Form) Encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		panic(err) // numbers are finite, and the rest always encodes
	}
	return b.Bytes()
}

// Decode reads the JSON form. It takes keys that it does not know, so that an
// older program can ask a newer one.
func Decode(data []byte) (*Form, error) {
	f := &Form{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("not a status: %w", err)
	}
	if f.Format != Format || f.Version != Version {
		return nil, fmt.Errorf("a status of format %q, version %d; want %s, version %d", f.Format, f.Version, Format, Version)
	}
	return f, nil
}
