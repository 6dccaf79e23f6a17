package i2cp

// GetBandwidthLimits asks for the router's limits; it has no body (i2cp.md,
// GetBandwidthLimitsMessage).
type GetBandwidthLimits struct{}

// BandwidthLimits answers it: in KB/s, but for the burst time in seconds
// (i2cp.md, BandwidthLimitsMessage).
type BandwidthLimits struct {
	ClientIn       uint32
	ClientOut      uint32
	RouterIn       uint32
	RouterInBurst  uint32
	RouterOut      uint32
	RouterOutBurst uint32
	BurstTime      uint32
	Undefined      [9]uint32
}

// Disconnect ends a connection and says why (i2cp.md, DisconnectMessage).
type Disconnect struct {
	Reason string
}

// ReportAbuse is deprecated and handled by nobody (i2cp.md,
// ReportAbuseMessage).
type ReportAbuse struct {
	Session  uint16
	Severity uint8
	Reason   string
	Message  uint32
}

// Type returns the message's type number.
func (*GetBandwidthLimits) Type() Type { return TypeGetBandwidthLimits }

// Parse reads the body; see [Message].
func (m *GetBandwidthLimits) Parse(body []byte) error {
	c := cursor{t: TypeGetBandwidthLimits, body: body}
	return c.end()
}

// Append appends the body; see [Message].
func (m *GetBandwidthLimits) Append(b []byte) ([]byte, error) { return b, nil }

// Type returns the message's type number.
func (*BandwidthLimits) Type() Type { return TypeBandwidthLimits }

// Parse reads the body; see [Message].
func (m *BandwidthLimits) Parse(body []byte) error {
	c := cursor{t: TypeBandwidthLimits, body: body}
	m.ClientIn = c.u32("client inbound")
	m.ClientOut = c.u32("client outbound")
	m.RouterIn = c.u32("router inbound")
	m.RouterInBurst = c.u32("router inbound burst")
	m.RouterOut = c.u32("router outbound")
	m.RouterOutBurst = c.u32("router outbound burst")
	m.BurstTime = c.u32("burst time")
	for i := range m.Undefined {
		m.Undefined[i] = c.u32("undefined")
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *BandwidthLimits) Append(b []byte) ([]byte, error) {
	w := build(TypeBandwidthLimits, b)
	for _, v := range [...]uint32{
		m.ClientIn, m.ClientOut, m.RouterIn, m.RouterInBurst, m.RouterOut, m.RouterOutBurst, m.BurstTime,
	} {
		w.u32(v)
	}
	for _, v := range m.Undefined {
		w.u32(v)
	}
	return w.end()
}

// Type returns the message's type number.
func (*Disconnect) Type() Type { return TypeDisconnect }

// Parse reads the body; see [Message].
func (m *Disconnect) Parse(body []byte) error {
	c := cursor{t: TypeDisconnect, body: body}
	m.Reason = c.str("reason")
	return c.end()
}

// Append appends the body; see [Message].
func (m *Disconnect) Append(b []byte) ([]byte, error) {
	w := build(TypeDisconnect, b)
	w.str("reason", m.Reason)
	return w.end()
}

// Type returns the message's type number.
func (*ReportAbuse) Type() Type { return TypeReportAbuse }

// Parse reads the body; see [Message].
func (m *ReportAbuse) Parse(body []byte) error {
	c := cursor{t: TypeReportAbuse, body: body}
	m.Session = c.u16("session")
	m.Severity = c.u8("severity")
	m.Reason = c.str("reason")
	m.Message = c.u32("message id")
	return c.end()
}

// Append appends the body; see [Message].
func (m *ReportAbuse) Append(b []byte) ([]byte, error) {
	w := build(TypeReportAbuse, b)
	w.u16(m.Session)
	w.u8(m.Severity)
	w.str("reason", m.Reason)
	w.u32(m.Message)
	return w.end()
}
