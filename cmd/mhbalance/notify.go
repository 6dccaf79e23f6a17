package main

import (
	"net"
	"os"
	"strconv"
	"time"
)

// supervisor is a service manager that follows systemd's protocol (sd_notify(3)).
// Its zero value stands for none.
type supervisor struct {
	socket   string
	watchdog time.Duration // within which it wants a sign of life; 0 for never
}

// newSupervisor reads the environment.
func newSupervisor(getenv func(string) string) supervisor {
	s := supervisor{socket: getenv("NOTIFY_SOCKET")}
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return s
	}
	if us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		s.watchdog = time.Duration(us) * time.Microsecond
	}
	return s
}

// tellTimeout is how long a manager may take to read a state.
const tellTimeout = time.Second

// tell sends a state, such as READY=1. A manager that does not listen, or not any
// more, is no reason to stop serving.
func (s supervisor) tell(state string) {
	if s.socket == "" {
		return
	}
	nc, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"}) // "@" is abstract, to Go as well
	if err != nil {
		return
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetWriteDeadline(time.Now().Add(tellTimeout))
	_, _ = nc.Write([]byte(state))
}
