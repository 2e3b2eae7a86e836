package schema

import "fmt"

// attachment is a file, a place or a visiting card on a message.
type attachment struct {
	kind          int64
	title         string // fallback_title
	meta          obj
	file, mime    string
	lat, long     float64
	extension     string
	bytes         int64
	width, height int
}

const (
	image, audio, file, location, contactCard int64 = 0, 1, 3, 4, 8
)

// attach puts attachments on some of what contacts and agents send.
func (b *builder) attach(m *message, n int) {
	account := m.talk.account
	switch n % 43 {
	case 4:
		m.attachments = []attachment{b.card(account, n)}
		if m.processed == nil && n%23 != 5 {
			m.content = nil // nothing but the card
		}
	case 9:
		name := b.plant(carrierFile, account, b.invent("invoice"))
		m.attachments = []attachment{{kind: file, file: name + ".pdf", mime: "application/pdf", extension: "pdf", bytes: 48211}}
	case 15:
		m.attachments = []attachment{{kind: image, file: fmt.Sprintf("parcel-%d.jpg", n), mime: "image/jpeg", extension: "jpg", bytes: 183004, width: 1200, height: 900}}
	case 21:
		number := b.plant(carrierTranscribed, account, spaced(b.inventPhone(311)))
		m.attachments = []attachment{{kind: audio, file: fmt.Sprintf("voice-%d.ogg", n), mime: "audio/ogg", extension: "ogg", bytes: 20480, meta: obj{"transcribed_text": "Call me back under " + number}}}
	case 27:
		m.attachments = []attachment{{kind: location, title: "Where the parcel is", lat: 41.1579, long: -8.6291}}
	case 33:
		number := b.plant(carrierFile, account, b.inventPhone(312))
		m.attachments = []attachment{
			{kind: image, file: "IMG-" + number + ".png", mime: "image/png", extension: "png", bytes: 90112, width: 640, height: 480},
			{kind: image, file: fmt.Sprintf("label-%d.png", n), mime: "image/png", extension: "png", bytes: 70112, width: 640, height: 480},
		}
	}
}

// card is a shared visiting card: the number stands in fallback_title, the names in meta.
func (b *builder) card(account int64, n int) attachment {
	family := pick(b, familyNames).display
	given := b.plant(carrierCardName, account, fmt.Sprintf("Friend%04d", n))
	meta := obj{"firstName": given, "lastName": family}
	if n%2 == 0 {
		meta = obj{"first_name": given, "last_name": family}
	}
	return attachment{kind: contactCard, title: b.plant(carrierCard, account, b.inventPhone(302)), meta: meta}
}

// files adds attachments, their blobs, and avatars.
func (b *builder) files() {
	for _, m := range b.messages {
		for _, a := range m.attachments {
			b.writeAttachment(m, a)
		}
	}
	for _, c := range b.contacts {
		if c.additional["avatar_url_hash"] != nil && !c.deleted {
			name := b.plant(carrierAvatar, c.account, "gravatar-of-"+c.local+".png")
			b.writeBlob("Contact", c.id, "avatar", attachment{file: name, mime: "image/png", bytes: 9216, width: 250, height: 250})
		}
	}
	for _, user := range []int64{Ada, Eve} {
		b.writeBlob("User", user, "avatar", attachment{file: "portrait.png", mime: "image/png", bytes: 8192, width: 250, height: 250})
	}
}

func (b *builder) writeAttachment(m *message, a attachment) {
	r := row{
		"file_type": a.kind, "message_id": m.id, "account_id": m.talk.account, "created_at": m.at,
		"coordinates_lat": a.lat, "coordinates_long": a.long, "external_url": nil,
	}
	if a.title != "" {
		r["fallback_title"] = a.title
	}
	if a.extension != "" {
		r["extension"] = a.extension
	}
	if a.meta != nil {
		r["meta"] = b.json(a.meta)
	}
	id := b.insert("attachments", r)
	if a.file != "" {
		b.writeBlob("Attachment", id, "file", a)
	}
}

func (b *builder) writeBlob(record string, id int64, name string, a attachment) {
	metadata := obj{"identified": true, "analyzed": true}
	if a.width > 0 {
		metadata["width"], metadata["height"] = a.width, a.height
	}
	blob := b.insert("active_storage_blobs", row{
		"key": b.random(base36, 28), "filename": a.file, "content_type": a.mime, "metadata": b.json(metadata),
		"byte_size": a.bytes, "checksum": b.random(base58, 22) + "==",
	})
	b.insert("active_storage_attachments", row{"name": name, "record_type": record, "record_id": id, "blob_id": blob})
}
