package i2cp

import (
	"errors"
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// What can be wrong with a message. A [*ParseError] wraps one of these and says
// where.
var (
	// ErrTruncated: the body ends inside a field.
	ErrTruncated = wire.ErrTruncated
	// ErrTrailing: bytes are left after the last field.
	ErrTrailing = errors.New("bytes after the end")
	// ErrValue: a field has a value that the specification does not allow.
	ErrValue = wire.ErrValue
	// ErrTooLong: a field or a message exceeds its limit.
	ErrTooLong = errors.New("too long")
	// ErrUnknownType: no message has this type number.
	ErrUnknownType = errors.New("unknown message type")
)

// A ParseError says what in a message could not be read or written.
type ParseError struct {
	Type   Type
	Field  string
	Offset int // of the field in the message body; 0 when writing
	Err    error
}

func (e *ParseError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%v: %v", e.Type, e.Err)
	}
	return fmt.Sprintf("%v: %s at byte %d: %v", e.Type, e.Field, e.Offset, e.Err)
}

func (e *ParseError) Unwrap() error { return e.Err }

// What can be wrong with a connection. A [*ConnError] wraps one of these, a
// *ParseError, or an error of the network.
var (
	// ErrClosed: this side closed the connection or the session.
	ErrClosed = errors.New("closed")
	// ErrStalled: a frame was begun and not finished in time.
	ErrStalled = errors.New("peer stalled inside a frame")
	// ErrNotReading: the peer took no bytes for longer than the write timeout.
	ErrNotReading = errors.New("peer does not read")
	// ErrHandshake: the peer did not finish the handshake in time.
	ErrHandshake = errors.New("handshake timed out")
	// ErrIdle: the peer was silent for longer than the idle timeout.
	ErrIdle = errors.New("peer is silent")
	// ErrUnexpected: a message that the state does not allow: a reply that
	// nobody asked for, a repeated handshake, a message of the other direction.
	ErrUnexpected = errors.New("message not expected")
	// ErrSession: a message names a session that does not exist here.
	ErrSession = errors.New("no such session")
	// ErrStock: an extension message on a connection without the extension.
	ErrStock = errors.New("the extension was not agreed on")
	// ErrAuth: user name or password missing or wrong.
	ErrAuth = errors.New("authorization failed")
	// ErrRefused: the router said no to a session.
	ErrRefused = errors.New("session refused")
	// ErrProtocolByte: a connection did not begin with [ProtocolByte].
	ErrProtocolByte = errors.New("wrong protocol byte")
	// ErrTooMany: a stated bound on what is under way is reached.
	ErrTooMany = errors.New("too many at once")
)

// Origin tells who ended a connection.
type Origin uint8

// Origins.
const (
	// OriginLocal: this side found the fault, or closed.
	OriginLocal Origin = iota
	// OriginPeer: the peer sent Disconnect, or closed.
	OriginPeer
	// OriginNetwork: the connection broke.
	OriginNetwork
)

var originNames = [...]string{"local", "peer", "network"}

func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return fmt.Sprintf("origin %d", uint8(o))
}

// A ConnError is why a connection ended. Every method of a connection that has
// ended returns the same one.
type ConnError struct {
	Origin Origin
	Type   Type   // the message at fault, 0 if none
	Reason string // the reason that went over the wire in a Disconnect, either way
	Err    error
}

func (e *ConnError) Error() string {
	s := "i2cp: "
	if e.Origin != OriginLocal {
		s += e.Origin.String() + ": "
	}
	var pe *ParseError
	if e.Type != 0 && e.Type != TypeDisconnect && !errors.As(e.Err, &pe) {
		s += e.Type.String() + ": "
	}
	if e.Err != nil {
		s += e.Err.Error()
	}
	if e.Origin == OriginPeer && e.Reason != "" {
		s += fmt.Sprintf(": %q", e.Reason)
	}
	return s
}

func (e *ConnError) Unwrap() error { return e.Err }

// ErrDisconnected means that the peer sent Disconnect; [ConnError].Reason has its
// words.
var ErrDisconnected = errors.New("disconnected")

// A StatusError is a session status other than the one that was asked for. It
// wraps [ErrRefused].
type StatusError struct{ Status SessionState }

func (e *StatusError) Error() string { return fmt.Sprintf("session %v", e.Status) }

func (e *StatusError) Unwrap() error { return ErrRefused }

// A LookupError is a host or destination lookup's result other than success.
type LookupError struct{ Code LookupCode }

func (e *LookupError) Error() string { return "lookup: " + e.Code.String() }

// A RefusalError is an extension request that the router refused.
type RefusalError struct {
	Request Type
	Code    ErrorCode
	Text    string // for people; may be empty
}

func (e *RefusalError) Error() string {
	s := fmt.Sprintf("%v: %v", e.Request, e.Code)
	if e.Text != "" {
		s += fmt.Sprintf(" (%q)", e.Text)
	}
	return s
}
