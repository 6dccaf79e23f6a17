package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"multihome.i2p/balancer/live"
)

// Service is what is controlled.
type Service interface {
	Status() live.Status
	Drain(router string, on bool) error
}

// ErrInvalid wraps the error of a Reload that found the new configuration
// unfit: the operator's mistake, and not the program's failure.
var ErrInvalid = errors.New("the configuration is unfit; the old one stays in use")

// answerTimeout is how long a status may take. A service that takes longer is
// told of with the last status that there is, and that one's age.
const answerTimeout = 2 * time.Second

// Server answers for a Service.
type Server struct {
	service Service
	reload  func() error
	reloads func() Reloads

	mu    sync.Mutex
	asked chan struct{} // closed when the status that is being asked for is there; nil if none is
	last  live.Status
	taken time.Time // of last; zero for none
}

// NewServer returns a Server for a service. reload rereads the configuration and
// returns an error that wraps [ErrInvalid] if that is unfit; reloads tells how
// that has gone so far.
func NewServer(service Service, reload func() error, reloads func() Reloads) *Server {
	return &Server{service: service, reload: reload, reloads: reloads}
}

// Form returns the newest status that can be had within 2 s, nil if there never
// was one.
func (s *Server) Form(ctx context.Context) *Form {
	s.mu.Lock()
	if s.asked == nil {
		s.asked = make(chan struct{})
		go s.ask(s.asked)
	}
	asked := s.asked
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case <-asked:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken.IsZero() {
		return nil
	}
	return NewForm(&s.last, s.taken, time.Now())
}

// ask asks the service, however long that takes; one asks at a time.
func (s *Server) ask(answered chan struct{}) {
	st := s.service.Status()
	s.mu.Lock()
	s.last, s.taken, s.asked = st, time.Now(), nil
	s.mu.Unlock()
	close(answered)
}

// Handler serves the Unix socket.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.watching(mux)
	mux.HandleFunc("GET /status", s.told("application/json", func(f *Form) []byte { return f.Encode() }))
	mux.HandleFunc("POST /drain", s.drain(true))
	mux.HandleFunc("POST /undrain", s.drain(false))
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, _ *http.Request) {
		switch err := s.reload(); {
		case errors.Is(err, ErrInvalid):
			refuse(w, http.StatusUnprocessableEntity, err)
		case err != nil:
			refuse(w, http.StatusInternalServerError, err)
		}
	})
	return mux
}

// MetricsHandler serves metrics and health over TCP. Unless it is public, it
// refuses requests for any other host than the machine itself: a web page could
// otherwise have a browser on this machine read them, under a name of its own.
func (s *Server) MetricsHandler(public bool) http.Handler {
	mux := http.NewServeMux()
	s.watching(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !public && !isThisMachine(r.Host) {
			refuse(w, http.StatusForbidden, errors.New("ask for localhost or an IP address"))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func isThisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

// watching enters what monitoring reads.
func (s *Server) watching(mux *http.ServeMux) {
	mux.HandleFunc("GET /metrics", s.told("text/plain; version=0.0.4; charset=utf-8", func(f *Form) []byte {
		return Metrics(f, s.reloads())
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		f := s.Form(r.Context())
		err := errNoAnswer
		if f != nil {
			err = Health(f)
		}
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, "text/plain; charset=utf-8", []byte("ok\n"))
	})
}

var errNoAnswer = errors.New("the balancer does not answer")

// told answers with a form of the status.
func (s *Server) told(contentType string, form func(*Form) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := s.Form(r.Context())
		if f == nil {
			refuse(w, http.StatusServiceUnavailable, errNoAnswer)
			return
		}
		answer(w, contentType, form(f))
	}
}

func (s *Server) drain(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		router := r.URL.Query().Get("router")
		switch err := s.service.Drain(router, on); {
		case errors.Is(err, live.ErrUnknownRouter):
			refuse(w, http.StatusNotFound, fmt.Errorf("%w: %q", err, router))
		case err != nil:
			refuse(w, http.StatusInternalServerError, err)
		}
	}
}

func answer(w http.ResponseWriter, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // who does not listen has missed it
}

func refuse(w http.ResponseWriter, code int, err error) { http.Error(w, err.Error(), code) }

// Serve serves the handler at l until ctx ends, and closes l. Requests that are
// under way then have a second.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		// What a client does wrong is told to the client.
		ErrorLog: discard(),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	return err
}

// Client asks the mhbalance that serves a socket.
type Client struct{ http http.Client }

// ErrNotRunning is why nobody answers at a socket.
var ErrNotRunning = errors.New("no mhbalance answers")

// A Refusal is an answer other than success.
type Refusal struct {
	Code int
	Text string
}

func (e *Refusal) Error() string { return e.Text }

// NewClient returns a client for the socket at a path.
func NewClient(socket string) *Client {
	return &Client{http: http.Client{
		Timeout: time.Minute, // a reload waits for routers
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				nc, err := d.DialContext(ctx, "unix", socket)
				if err != nil && ctx.Err() == nil {
					return nil, fmt.Errorf("%w at %s: %w", ErrNotRunning, socket, err)
				}
				return nc, err
			},
		},
	}}
}

// maxAnswer bounds an answer: the status of 64 Destinations on 64 routers has far
// less.
const maxAnswer = 16 << 20

// Do sends a request and returns the answer.
func (c *Client) Do(ctx context.Context, method, target string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &Refusal{resp.StatusCode, strings.TrimSpace(string(body))}
	}
	return body, nil
}
