package i2cp

import "fmt"

// Type is a message's type number (i2cp.md, Message Types).
type Type uint8

// Messages of I2CP, and of the Proposal 140 extension from 140 on: there, even
// numbers go to the router and odd ones to the client.
const (
	TypeCreateSession           Type = 1
	TypeReconfigureSession      Type = 2
	TypeDestroySession          Type = 3
	TypeCreateLeaseSet          Type = 4
	TypeSendMessage             Type = 5
	TypeReceiveMessageBegin     Type = 6
	TypeReceiveMessageEnd       Type = 7
	TypeGetBandwidthLimits      Type = 8
	TypeSessionStatus           Type = 20
	TypeRequestLeaseSet         Type = 21
	TypeMessageStatus           Type = 22
	TypeBandwidthLimits         Type = 23
	TypeReportAbuse             Type = 29
	TypeDisconnect              Type = 30
	TypeMessagePayload          Type = 31
	TypeGetDate                 Type = 32
	TypeSetDate                 Type = 33
	TypeDestLookup              Type = 34
	TypeDestReply               Type = 35
	TypeSendMessageExpires      Type = 36
	TypeRequestVariableLeaseSet Type = 37
	TypeHostLookup              Type = 38
	TypeHostReply               Type = 39
	TypeCreateLeaseSet2         Type = 41
	TypeBlindingInfo            Type = 42

	TypeGetCapabilities Type = 140
	TypeCapabilityList  Type = 141
	TypeOpenSession     Type = 142
	TypeOpenStatus      Type = 143
	TypeGetFastTier     Type = 144
	TypePeerList        Type = 145
	TypeCreateTunnel    Type = 146
	TypeTunnelStatus    Type = 147
	TypeGetTunnelPool   Type = 148
	TypeTunnelList      Type = 149
	TypePublishLeaseSet Type = 150
	TypePublishStatus   Type = 151
	TypeSendPacket      Type = 152
	TypeSendStatus      Type = 153
	TypeDropTunnel      Type = 154
	TypeTunnelExpired   Type = 155
	TypeAttach          Type = 156
	TypePacketReceived  Type = 157
	TypeHeartbeat       Type = 158
	TypeHeartbeatReply  Type = 159
	TypeRelayAck        Type = 160
	TypeAckRelayed      Type = 161
	TypeGarlicDown      Type = 162
	TypeGarlicUp        Type = 163
	TypeGiveLeaseSet    Type = 164
	TypeRequestError    Type = 165
	TypeLookupLeaseSet  Type = 166
	TypeLookupResult    Type = 167
	TypeSetShadows      Type = 168
	TypeNoteFloodfills  Type = 170
	TypeFloodfillsNoted Type = 171
	TypeOutdateLeaseSet Type = 172

	firstExtension, lastExtension = TypeGetCapabilities, TypeOutdateLeaseSet
)

// Direction of a message.
const (
	toRouter = 1 << iota
	toClient
)

// spec is what a type number stands for.
type spec struct {
	name string
	way  uint8
	make func() Message
}

var specs = [256]spec{
	TypeCreateSession:           {"CreateSession", toRouter, func() Message { return new(CreateSession) }},
	TypeReconfigureSession:      {"ReconfigureSession", toRouter, func() Message { return new(ReconfigureSession) }},
	TypeDestroySession:          {"DestroySession", toRouter, func() Message { return new(DestroySession) }},
	TypeCreateLeaseSet:          {"CreateLeaseSet", toRouter, func() Message { return new(CreateLeaseSet) }},
	TypeSendMessage:             {"SendMessage", toRouter, func() Message { return new(SendMessage) }},
	TypeReceiveMessageBegin:     {"ReceiveMessageBegin", toRouter, func() Message { return new(ReceiveMessageBegin) }},
	TypeReceiveMessageEnd:       {"ReceiveMessageEnd", toRouter, func() Message { return new(ReceiveMessageEnd) }},
	TypeGetBandwidthLimits:      {"GetBandwidthLimits", toRouter, func() Message { return new(GetBandwidthLimits) }},
	TypeSessionStatus:           {"SessionStatus", toClient, func() Message { return new(SessionStatus) }},
	TypeRequestLeaseSet:         {"RequestLeaseSet", toClient, func() Message { return new(RequestLeaseSet) }},
	TypeMessageStatus:           {"MessageStatus", toClient, func() Message { return new(MessageStatus) }},
	TypeBandwidthLimits:         {"BandwidthLimits", toClient, func() Message { return new(BandwidthLimits) }},
	TypeReportAbuse:             {"ReportAbuse", toRouter | toClient, func() Message { return new(ReportAbuse) }},
	TypeDisconnect:              {"Disconnect", toRouter | toClient, func() Message { return new(Disconnect) }},
	TypeMessagePayload:          {"MessagePayload", toClient, func() Message { return new(MessagePayload) }},
	TypeGetDate:                 {"GetDate", toRouter, func() Message { return new(GetDate) }},
	TypeSetDate:                 {"SetDate", toClient, func() Message { return new(SetDate) }},
	TypeDestLookup:              {"DestLookup", toRouter, func() Message { return new(DestLookup) }},
	TypeDestReply:               {"DestReply", toClient, func() Message { return new(DestReply) }},
	TypeSendMessageExpires:      {"SendMessageExpires", toRouter, func() Message { return new(SendMessageExpires) }},
	TypeRequestVariableLeaseSet: {"RequestVariableLeaseSet", toClient, func() Message { return new(RequestVariableLeaseSet) }},
	TypeHostLookup:              {"HostLookup", toRouter, func() Message { return new(HostLookup) }},
	TypeHostReply:               {"HostReply", toClient, func() Message { return new(HostReply) }},
	TypeCreateLeaseSet2:         {"CreateLeaseSet2", toRouter, func() Message { return new(CreateLeaseSet2) }},
	TypeBlindingInfo:            {"BlindingInfo", toRouter, func() Message { return new(BlindingInfo) }},

	TypeGetCapabilities: {"GetCapabilities", toRouter, func() Message { return new(GetCapabilities) }},
	TypeCapabilityList:  {"CapabilityList", toClient, func() Message { return new(CapabilityList) }},
	TypeOpenSession:     {"OpenSession", toRouter, func() Message { return new(OpenSession) }},
	TypeOpenStatus:      {"OpenStatus", toClient, func() Message { return new(OpenStatus) }},
	TypeGetFastTier:     {"GetFastTier", toRouter, func() Message { return new(GetFastTier) }},
	TypePeerList:        {"PeerList", toClient, func() Message { return new(PeerList) }},
	TypeCreateTunnel:    {"CreateTunnel", toRouter, func() Message { return new(CreateTunnel) }},
	TypeTunnelStatus:    {"TunnelStatus", toClient, func() Message { return new(TunnelStatus) }},
	TypeGetTunnelPool:   {"GetTunnelPool", toRouter, func() Message { return new(GetTunnelPool) }},
	TypeTunnelList:      {"TunnelList", toClient, func() Message { return new(TunnelList) }},
	TypePublishLeaseSet: {"PublishLeaseSet", toRouter, func() Message { return new(PublishLeaseSet) }},
	TypePublishStatus:   {"PublishStatus", toClient, func() Message { return new(PublishStatus) }},
	TypeSendPacket:      {"SendPacket", toRouter, func() Message { return new(SendPacket) }},
	TypeSendStatus:      {"SendStatus", toClient, func() Message { return new(SendStatus) }},
	TypeDropTunnel:      {"DropTunnel", toRouter, func() Message { return new(DropTunnel) }},
	TypeTunnelExpired:   {"TunnelExpired", toClient, func() Message { return new(TunnelExpired) }},
	TypeAttach:          {"Attach", toRouter, func() Message { return new(Attach) }},
	TypePacketReceived:  {"PacketReceived", toClient, func() Message { return new(PacketReceived) }},
	TypeHeartbeat:       {"Heartbeat", toRouter, func() Message { return new(Heartbeat) }},
	TypeHeartbeatReply:  {"HeartbeatReply", toClient, func() Message { return new(HeartbeatReply) }},
	TypeRelayAck:        {"RelayAck", toRouter, func() Message { return new(RelayAck) }},
	TypeAckRelayed:      {"AckRelayed", toClient, func() Message { return new(AckRelayed) }},
	TypeGarlicDown:      {"GarlicDown", toRouter, func() Message { return new(GarlicDown) }},
	TypeGarlicUp:        {"GarlicUp", toClient, func() Message { return new(GarlicUp) }},
	TypeGiveLeaseSet:    {"GiveLeaseSet", toRouter, func() Message { return new(GiveLeaseSet) }},
	TypeRequestError:    {"RequestError", toClient, func() Message { return new(RequestError) }},
	TypeLookupLeaseSet:  {"LookupLeaseSet", toRouter, func() Message { return new(LookupLeaseSet) }},
	TypeLookupResult:    {"LookupResult", toClient, func() Message { return new(LookupResult) }},
	TypeSetShadows:      {"SetShadows", toRouter, func() Message { return new(SetShadows) }},
	TypeNoteFloodfills:  {"NoteFloodfills", toRouter, func() Message { return new(NoteFloodfills) }},
	TypeFloodfillsNoted: {"FloodfillsNoted", toClient, func() Message { return new(FloodfillsNoted) }},
	TypeOutdateLeaseSet: {"OutdateLeaseSet", toRouter, func() Message { return new(OutdateLeaseSet) }},
}

func (t Type) String() string {
	if s := specs[t].name; s != "" {
		return s
	}
	return fmt.Sprintf("message type %d", uint8(t))
}

// Known reports whether a message has this type.
func (t Type) Known() bool { return specs[t].make != nil }

// Extension reports whether t belongs to the Proposal 140 extension. Such a
// message never goes to a router that has not agreed to it.
func (t Type) Extension() bool { return t >= firstExtension && t <= lastExtension }

// A Message is one I2CP message: a pointer to one of this package's flat
// structs, whose Parse and Append are each other's inverse: what Parse accepts,
// Append gives back byte for byte.
type Message interface {
	// Type is the message's type number.
	Type() Type
	// Append appends the message's body to b. It fails, with a *ParseError and
	// b as it was, where a field does not fit its place on the wire.
	Append(b []byte) ([]byte, error)
	// Parse fills the message from a whole body. The message's slices lie in
	// body: who keeps them copies them. After an error the message is worth
	// nothing. Slices of structs (leases, peers, tunnels) keep their capacity
	// from one Parse to the next.
	Parse(body []byte) error
}

// New returns an empty message of type t, nil if there is none.
func New(t Type) Message {
	if f := specs[t].make; f != nil {
		return f()
	}
	return nil
}

// Parse reads the body of a message of type t. See [Message] for who owns what.
func Parse(t Type, body []byte) (Message, error) {
	m := New(t)
	if m == nil {
		return nil, &ParseError{Type: t, Err: ErrUnknownType}
	}
	if err := m.Parse(body); err != nil {
		return nil, err
	}
	return m, nil
}
