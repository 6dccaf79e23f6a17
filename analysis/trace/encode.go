package trace

import "strconv"

// AppendHeader appends h as the first line of a trace, newline included.
func AppendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, `{"format":"`+Format+`","version":`...)
	dst = strconv.AppendInt(dst, Version, 10)
	dst = append(dst, `,"destination":`...)
	dst = appendString(dst, h.Destination)
	dst = append(dst, `,"vantage":`...)
	dst = appendString(dst, string(h.Vantage))
	dst = append(dst, `,"source":`...)
	dst = appendString(dst, string(h.Source))
	if h.Note != "" {
		dst = append(dst, `,"note":`...)
		dst = appendString(dst, h.Note)
	}
	return append(dst, "}\n"...)
}

// AppendRecord appends r as a line of a trace, newline included. It allocates
// nothing if dst has room. It writes whatever r holds: [Record.Check] tells
// whether a reader would accept it.
func AppendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, `{"t":`...)
	dst = strconv.AppendInt(dst, r.TimeMs, 10)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, r.Kind.String()...)
	dst = append(dst, '"')
	has := r.Has
	if has&HasFloodfill != 0 {
		dst = appendHash(append(dst, `,"floodfill":"`...), &r.Floodfill)
	}
	if has&HasFlooded != 0 {
		dst = strconv.AppendBool(append(dst, `,"flooded":`...), r.Flooded)
	}
	if has&HasFound != 0 {
		dst = strconv.AppendBool(append(dst, `,"found":`...), r.Found)
	}
	if has&HasOBEP != 0 {
		dst = appendHash(append(dst, `,"obep":"`...), &r.OBEP)
	}
	if has&HasReply != 0 {
		dst = appendHash(append(dst, `,"reply":{"gw":"`...), &r.Reply.Gateway)
		dst = strconv.AppendUint(append(dst, `,"tunnel":`...), uint64(r.Reply.Tunnel), 10)
		dst = append(dst, '}')
	}
	if has&HasPublished != 0 {
		dst = strconv.AppendInt(append(dst, `,"published":`...), r.Published, 10)
	}
	if r.Kind == KindProbe {
		dst = appendProbe(dst, r)
	}
	if has&HasHash != 0 {
		dst = appendHash(append(dst, `,"hash":"`...), &r.Self)
	}
	if has&HasUp != 0 {
		dst = strconv.AppendBool(append(dst, `,"up":`...), r.Up)
	}
	if has&HasSelf != 0 {
		dst = appendHash(append(dst, `,"self":"`...), &r.Self)
	}
	if has&HasPrev != 0 {
		dst = appendHash(append(dst, `,"prev":"`...), &r.Prev)
	}
	if has&HasNext != 0 {
		dst = appendHash(append(dst, `,"next":"`...), &r.Next)
	}
	if has&HasTunnel != 0 {
		dst = strconv.AppendUint(append(dst, `,"tunnel":`...), uint64(r.Tunnel), 10)
	}
	if has&HasRole != 0 {
		dst = append(append(append(dst, `,"role":"`...), r.Role.String()...), '"')
	}
	if has&HasExpires != 0 {
		dst = strconv.AppendInt(append(dst, `,"expires":`...), r.Expires, 10)
	}
	if has&HasFlags != 0 {
		dst = strconv.AppendUint(append(dst, `,"flags":`...), uint64(r.Flags), 10)
	}
	if has&HasEncKeys != 0 {
		dst = appendHash(append(dst, `,"enc_keys":"`...), &r.EncKeys)
	}
	if has&HasLeases != 0 {
		dst = append(dst, `,"leases":[`...)
		for i := range r.Leases {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendLease(dst, &r.Leases[i], r.Millis)
		}
		dst = append(dst, ']')
	}
	if has&HasSub != 0 {
		dst = appendHash(append(dst, `,"sub":"`...), &r.Sub)
	}
	if has&HasEntries != 0 {
		dst = appendEntries(dst, r.Entries)
	}
	return append(dst, "}\n"...)
}

func appendProbe(dst []byte, r *Record) []byte {
	if r.Has&HasRatchet != 0 {
		dst = strconv.AppendInt(append(dst, `,"ratchet":`...), r.Ratchet, 10)
	}
	if r.Has&HasSession != 0 {
		dst = append(append(append(dst, `,"session":"`...), r.Session.String()...), '"')
	}
	if r.Has&HasOpenedOn != 0 && len(r.Leases) > 1 {
		dst = appendLease(append(dst, `,"opened_on":`...), &r.Leases[1], r.Millis)
	}
	if r.Has&HasLease != 0 && len(r.Leases) > 0 {
		dst = appendLease(append(dst, `,"lease":`...), &r.Leases[0], r.Millis)
	}
	if r.Has&HasAnswered != 0 {
		dst = strconv.AppendBool(append(dst, `,"answered":`...), r.Answered)
	}
	if r.Has&HasRTT != 0 {
		dst = appendThousandths(append(dst, `,"rtt_ms":`...), r.RTTUs)
	}
	return dst
}

func appendLease(dst []byte, l *Lease, millis bool) []byte {
	dst = appendHash(append(dst, `{"gw":"`...), &l.Gateway)
	dst = strconv.AppendUint(append(dst, `,"tunnel":`...), uint64(l.Tunnel), 10)
	if millis {
		dst = strconv.AppendInt(append(dst, `,"end_ms":`...), l.EndMs, 10)
	} else {
		dst = strconv.AppendInt(append(dst, `,"end":`...), l.EndMs/1000, 10)
	}
	return append(dst, '}')
}

// appendHash appends a hash and the quotation mark that closes it.
func appendHash(dst []byte, h *Hash) []byte { return append(h.Append(dst), '"') }

// appendThousandths appends v/1000 with as few decimals as possible.
func appendThousandths(dst []byte, v int64) []byte {
	dst = strconv.AppendInt(dst, v/1000, 10)
	rest := v % 1000
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/100))
	if rest%100 != 0 {
		dst = append(dst, byte('0'+rest/10%10))
	}
	if rest%10 != 0 {
		dst = append(dst, byte('0'+rest%10))
	}
	return dst
}

// appendString appends text as a JSON string. It escapes only what JSON demands:
// quotation mark, backslash and control characters.
func appendString(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
