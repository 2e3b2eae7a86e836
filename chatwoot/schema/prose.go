package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// What customers write, by language. %s is an order's number.
var asks = map[string][]string{
	"en": {
		"Hello, my order %s was due on Tuesday and still has not arrived. Can you tell me where it is?",
		"I was charged twice for %s. Please check and send one of the payments back.",
		"The box for %s came with a broken lid, everything inside was wet. What shall I do now?",
		"Could you change the delivery date of %s to next Friday? Nobody is home before that.",
		"Quick question about %s: does the warranty cover scratches on the display?",
		"I would like to cancel %s if it has not left your warehouse yet.",
		"Thanks, that helped! One more thing: the invoice for %s shows my old company name.",
		"Any news about %s? It has been five days since your last answer.",
		"The discount code from your newsletter did not work for %s, it says expired.",
		"I received a size 42 instead of 44 in order %s. How do I exchange it?",
	},
	"de": {
		"Guten Tag, die Bestellung %s ist noch immer nicht angekommen. Können Sie bitte nachsehen?",
		"Für %s fehlt mir die Rechnung, meine Buchhaltung braucht sie bis Monatsende.",
		"Bei %s war das falsche Kabel dabei. Wie läuft der Umtausch ab?",
	},
	"fr": {
		"Bonjour, je n’ai toujours pas reçu ma commande %s, pourriez-vous vérifier ?",
		"Le colis %s est arrivé abîmé, je joins des photos. Merci de me dire quoi faire.",
		"Comment puis-je retourner un article de la commande %s ?",
	},
	"es": {
		"Hola, el pedido %s aparece como entregado pero aquí no ha llegado nada.",
		"¿Podrían cambiar la dirección de entrega de %s? Me he mudado esta semana.",
	},
	"pt": {
		"Bom dia, a encomenda %s chegou incompleta: falta o carregador.",
		"Já devolvi o artigo de %s há duas semanas e ainda não recebi o reembolso.",
		"Podem confirmar se a %s sai hoje do armazém?",
	},
	"it": {"Buongiorno, l’ordine %s risulta spedito ma il corriere non trova il pacco.", "Vorrei la fattura dell’ordine %s intestata alla mia azienda."},
	"nl": {"Goedemiddag, bestelling %s is bij de buren bezorgd maar zij weten van niets.", "Kan ik %s nog ruilen voor een andere kleur?"},
	"sv": {"Hej! Jag väntar fortfarande på order %s, har den skickats?", "Paketet %s var öppnat när det kom fram."},
	"pl": {"Dzień dobry, zamówienie %s miało być wczoraj. Kiedy dotrze?", "Proszę o zwrot pieniędzy za %s."},
	"tr": {"Merhaba, %s numaralı siparişim hâlâ gelmedi.", "%s için iade kodu alabilir miyim?"},
	"he": {"שלום, ההזמנה %s עדיין לא הגיעה. אפשר לבדוק?"},
	"ar": {"مرحبا، لم يصل الطلب %s حتى الآن، هل يمكنكم التحقق؟"},
	"ja": {"注文番号 %s の商品がまだ届いていません。ご確認をお願いします。"},
	"ru": {"Здравствуйте, заказ %s пришёл без зарядного устройства."},
	"zh": {"您好,订单 %s 还没有发货,请帮忙查询一下。"},
}

// What agents answer. The first %s is a greeting, the second an order's number.
var answers = []string{
	"%s thank you for writing. I have looked up %s and asked the carrier; I will be back with you before noon.",
	"%s I am sorry about this. A replacement for %s leaves our warehouse today, at no cost for you.",
	"%s the refund for %s was issued this morning. Banks usually take three working days to show it.",
	"%s I have moved the delivery of %s to Friday between 9 and 12.",
	"%s could you send us a photo of the label on %s? That helps us to find out what went wrong.",
	"%s good news: %s was handed to the courier an hour ago.",
	"%s I have corrected the invoice for %s and attached it to your account page.",
	"%s the exchange for %s is registered. Please print the return slip from your account page.",
	"%s our technicians say that %s is covered by the warranty. We will repair it within a week.",
	"%s unfortunately %s has already left the warehouse, but you can refuse the parcel at the door.",
}

var sideNotes = []string{
	"Warehouse confirms that %s was packed on Monday, so the carrier lost it.",
	"Third complaint about %s this month, please treat as VIP.",
	"I promised a call-back about %s, @team please do not close.",
	"Refund for %s needs a second pair of eyes: amount above the limit.",
	"Checked with finance: %s was paid by bank transfer, not card.",
}

// What customers add about how to reach them: free text, with an address in it.
var reaches = []string{
	"By the way, please use my other address %s for this, I do not read the first one.",
	"Sie erreichen mich am besten unter %s, abends nach sechs.",
	"You can also write to my husband, %s, he will be at home.",
	"Mon autre adresse est %s, merci de l’utiliser.",
	"Pode responder também para %s, por favor.",
	"My colleague %s has the serial numbers, please put them in copy.",
}

// order gives the number of an order that is spoken of once.
func (b *builder) order(account int64) string {
	b.serial++
	prefix := "ACM"
	if account == Borealis {
		prefix = "BOR"
	}
	return fmt.Sprintf("%s-26-%06d", prefix, 104000+b.serial)
}

// say fills a template with an order's number.
func (b *builder) say(account int64, template string, before ...any) string {
	return fmt.Sprintf(template, append(before, b.order(account))...)
}

var orderNumber = regexp.MustCompile(`(ACM|BOR)-26-\d{6}`)

// fragments notes the pieces of a content by which to find it: each order's number with what stands before.
func (b *builder) fragments(account int64, content string) {
	for _, at := range orderNumber.FindAllStringIndex(content, -1) {
		from := max(at[0]-12, 0)
		for from > 0 && !utf8.RuneStart(content[from]) {
			from--
		}
		b.data.texts[account] = append(b.data.texts[account], strings.TrimLeft(content[from:at[1]], "\n"))
	}
}

func (b *builder) ask(c *contact) string {
	list, ok := asks[c.language]
	if !ok || b.chance(15) {
		list = asks["en"]
	}
	return b.say(c.account, pick(b, list))
}

func (b *builder) answer(c *contact) string {
	greeting := "Hello,"
	if c.first != "" {
		greeting = "Hello " + c.first + ","
	}
	return b.say(c.account, pick(b, answers), greeting)
}

// essay is one message of just over 64 KB: somebody pasted a whole log.
func (b *builder) essay(c *contact) string {
	var text strings.Builder
	for text.Len() < 64<<10 {
		text.WriteString(b.ask(c))
		text.WriteByte('\n')
	}
	return text.String()
}
