package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A Record is a line of a network's file: something that happened, at T.
type Record struct {
	T    int64 `json:"t"` // ms since the epoch
	Kind Kind  `json:"kind"`

	Arm    string `json:"arm,omitempty"`
	Router string `json:"router,omitempty"`
	Client int    `json:"client,omitempty"` // from 1

	// Of a message, which stands under the time when it was sent.
	Seq     uint64  `json:"seq,omitempty"`
	RTT     float64 `json:"rtt_ms,omitempty"`     // none: never answered
	Via     string  `json:"via,omitempty"`        // the service's router that it came through; none: it never came
	Arrived int64   `json:"arrived_ms,omitempty"` // ms since the epoch

	// Of a client.
	Role        string  `json:"role,omitempty"`
	Unpublished bool    `json:"unpublished,omitempty"`
	Every       float64 `json:"every_ms,omitempty"`

	Fault string `json:"fault,omitempty"`
	N     int    `json:"n,omitempty"`   // leases, or routers
	New   int    `json:"new,omitempty"` // of them not in the one before
	Text  string `json:"text,omitempty"`
}

// A Kind says what a Record is of.
type Kind string

// The kinds.
const (
	KindNet      Kind = "net"      // a network is there; Text: version of i2pd, and the machine
	KindArm      Kind = "arm"      // a Destination is served, on N routers; Text: how
	KindClient   Kind = "client"   // a client starts, through Router
	KindEnd      Kind = "end"      // it has ended; Text: its error
	KindMessage  Kind = "msg"      // a message of a client
	KindRequest  Kind = "request"  // Router asks for a LeaseSet of N leases, New of them new: it renews tunnels
	KindGiven    Kind = "given"    // Router is given a LeaseSet of N leases
	KindGreet    Kind = "greet"    // Client is written to through Router, to take it over
	KindSession  Kind = "session"  // Router has a session
	KindLost     Kind = "lost"     // a connection with Router that had a session has ended
	KindFault    Kind = "fault"    // Router is killed, frozen ...
	KindNoticed  Kind = "noticed"  // the service tells that Router is down
	KindRestored Kind = "restored" // the fault is undone
	KindServing  Kind = "serving"  // Router has leases of all Destinations again
	KindBegin    Kind = "begin"    // all clients are answered
	KindDone     Kind = "done"     // no more is measured
)

// An output is a network's file. Any goroutine may write.
type output struct {
	mu  sync.Mutex
	f   *os.File
	b   *bufio.Writer
	err error
}

func newOutput(name string) (*output, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &output{f: f, b: bufio.NewWriter(f)}, nil
}

func (o *output) write(r *Record) {
	if r.T == 0 {
		r.T = time.Now().UnixMilli()
	}
	b, err := json.Marshal(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		_, err = o.b.Write(append(b, '\n'))
	}
	if err == nil && r.Kind != KindMessage {
		err = o.b.Flush() // for who watches
	}
	if o.err == nil {
		o.err = err
	}
}

func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.err, o.b.Flush(), o.f.Close())
}

// readRecords reads a network's file. A last line without an end is left out:
// somebody writes it.
func readRecords(r io.Reader) ([]Record, error) {
	var all []Record
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		var rec Record
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		all = append(all, rec)
	}
}
