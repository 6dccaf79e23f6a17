package i2cp

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/i2cp/wire"
)

// Options of GetDate's and SetDate's mappings and of session configurations.
const (
	optionUser      = "i2cp.username"
	optionPassword  = "i2cp.password"
	optionExtension = "i2cp.p140"       // versions of the extension, offered or confirmed
	optionNonce     = "i2cp.p140.nonce" // binds a session configuration to a connection
	optionGzip      = "i2cp.gzip"       // the client's own, which routers ignore

	// Options of a session with offline keys (i2cp.md, Session Config, Offline
	// Signatures).
	optionOfflineExpires   = "i2cp.leaseSetOfflineExpiration"
	optionOfflineKey       = "i2cp.leaseSetTransientPublicKey"
	optionOfflineSignature = "i2cp.leaseSetOfflineSignature"
)

// SignConfig makes the signed configuration of a session for the Destination in
// keys. Offline keys add their options.
func SignConfig(keys wire.PrivateKeyFile, options map[string]string, now time.Time) (SessionConfig, error) {
	key, err := keys.Signer()
	if err != nil {
		return SessionConfig{}, err
	}
	if keys.IsOffline() {
		with := make(map[string]string, len(options)+3)
		maps.Copy(with, options)
		off := &keys.Offline.Signature
		with[optionOfflineExpires] = strconv.FormatUint(uint64(off.Expires), 10)
		with[optionOfflineKey] = fmt.Sprintf("%d:%s", off.Transient.Type, wire.EncodeBase64(off.Transient.Key))
		with[optionOfflineSignature] = wire.EncodeBase64(off.Signature)
		options = with
	}
	m, err := wire.NewMapping(options)
	if err != nil {
		return SessionConfig{}, err
	}
	c := SessionConfig{
		Destination: keys.Destination.Bytes(),
		Options:     m,
		Date:        wire.DateOf(now),
	}
	signed, err := c.appendSigned(nil)
	if err != nil {
		return SessionConfig{}, err
	}
	c.Signature = key.Sign(signed)
	return c, nil
}

func (s *SessionConfig) appendSigned(b []byte) ([]byte, error) {
	w := build(TypeCreateSession, b)
	s.buildSigned(&w)
	return w.end()
}

// DateWindow is how far a configuration's date may be from the router's clock:
// the specification says 30 s, Java I2P 2.8.0 takes 3 minutes, i2pd anything.
const DateWindow = 3 * time.Minute

// What may be wrong with a session configuration beyond its encoding.
var (
	ErrDate     = errors.New("date too far from the clock")
	ErrUnsorted = wire.ErrUnsorted
)

// Verify checks the signature over destination, options and date, that the
// options are sorted, and the date against now. With offline keys, the
// transient key signs, and the Destination has signed that key. The error wraps
// ErrUnsorted, ErrDate, ErrValue, ErrTrailing or one of package wire.
func (s *SessionConfig) Verify(now time.Time) (wire.Destination, error) {
	return s.verify(now, nil)
}

// verify is Verify of the configuration of a new session, or of a session that
// has the configuration old. Java I2P's clients (2.8.0) leave a transient key out
// of ReconfigureSession, which it signs all the same: then that of old holds.
func (s *SessionConfig) verify(now time.Time, old *SessionConfig) (wire.Destination, error) {
	d, rest, err := wire.ParseDestination(s.Destination)
	if err != nil {
		return wire.Destination{}, err
	}
	if len(rest) > 0 {
		return wire.Destination{}, ErrTrailing
	}
	if !s.Options.Sorted() {
		return wire.Destination{}, ErrUnsorted
	}
	key := d.SigningKey()
	holder := s
	_, offline := s.Options.Get(optionOfflineKey)
	if !offline && old != nil {
		holder = old
		_, offline = old.Options.Get(optionOfflineKey)
	}
	if offline {
		if key, err = holder.offlineKey(key, now); err != nil {
			return wire.Destination{}, err
		}
	}
	signed, err := s.appendSigned(nil)
	if err != nil {
		return wire.Destination{}, err
	}
	if err := key.Verify(signed, s.Signature); err != nil {
		return wire.Destination{}, err
	}
	if off := now.Sub(s.Date.Time()); off > DateWindow || off < -DateWindow {
		return wire.Destination{}, ErrDate
	}
	return d, nil
}

// offlineKey returns the transient key of the options, once it is verified.
func (s *SessionConfig) offlineKey(owner wire.SigningPublicKey, now time.Time) (none wire.SigningPublicKey, err error) {
	var off wire.OfflineSignature
	text, _ := s.Options.Get(optionOfflineKey)
	kind := uint64(wire.SigDSASHA1) // where none is named
	if before, after, ok := strings.Cut(text, ":"); ok {
		if kind, err = strconv.ParseUint(before, 10, 16); err != nil {
			return none, ErrValue
		}
		text = after
	}
	raw, err := wire.DecodeBase64(text)
	if err != nil {
		return none, err
	}
	var rest []byte
	off.Transient, rest, err = wire.ParseSigningPublicKey(wire.SigType(kind), raw)
	if err != nil {
		return none, err
	}
	if len(rest) > 0 {
		return none, ErrTrailing
	}
	text, _ = s.Options.Get(optionOfflineExpires)
	expires, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return none, ErrValue
	}
	off.Expires = wire.Seconds(expires)
	text, _ = s.Options.Get(optionOfflineSignature)
	if off.Signature, err = wire.DecodeBase64(text); err != nil {
		return none, err
	}
	if off.Expired(now) {
		return none, ErrDate
	}
	if err := off.Verify(owner); err != nil {
		return none, err
	}
	return off.Transient, nil
}
