package testnet

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// A relay accepts connections and connects each to an address. The listener may
// be of another network namespace than this process: what it dials is of this
// one.
type relay struct {
	ln     net.Listener
	to     string
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
}

func startRelay(ln net.Listener, to string) *relay {
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{ln: ln, to: to, ctx: ctx, cancel: cancel}
	r.group.Go(r.accept)
	return r
}

func (r *relay) accept() {
	for {
		in, err := r.ln.Accept()
		if err != nil {
			if r.ctx.Err() != nil {
				return
			}
			// Out of descriptors, for one: not for ever.
			if wait(r.ctx, 100*time.Millisecond) != nil {
				return
			}
			continue
		}
		r.group.Go(func() { r.serve(in) })
	}
}

// serve carries bytes both ways until both ways have ended, and ends each way
// when its source has: a client may have said all and still read. Where nothing
// listens, the client's connection just ends.
func (r *relay) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	d := net.Dialer{Timeout: 10 * time.Second}
	out, err := d.DialContext(r.ctx, "tcp", r.to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	stop := context.AfterFunc(r.ctx, func() {
		_ = in.Close()
		_ = out.Close()
	})
	defer stop()
	var ways sync.WaitGroup
	ways.Go(func() { oneWay(out, in) })
	ways.Go(func() { oneWay(in, out) })
	ways.Wait()
}

func oneWay(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil {
		// Either end is broken: so is the other direction.
		_ = from.Close()
		_ = to.Close()
		return
	}
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

// close ends the relay and what goes over it.
func (r *relay) close() {
	r.cancel()
	_ = r.ln.Close()
	r.group.Wait()
}
