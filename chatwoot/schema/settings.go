package schema

import "fmt"

// definitions name the custom attributes that an account has declared; contacts hold others besides.
func (b *builder) definitions() {
	for _, d := range []struct {
		name, key   string
		kind, model int64
		values      []string
	}{
		{"Plan", "plan", 6, 1, []string{"free", "silver", "gold"}}, {"Orders", "orders", 1, 1, nil}, {"Newsletter", "newsletter", 7, 1, nil},
		{"Second phone", "second_phone", 0, 1, nil}, {"Private e-mail", "private_email", 0, 1, nil}, {"Tax id", "tax_id", 0, 1, nil},
		{"Delivery contact", "delivery_contact", 0, 0, nil}, {"Delivery phone", "delivery_phone", 0, 0, nil},
		{"Order value", "order_value", 2, 0, nil}, {"Gift", "gift", 7, 0, nil}, {"Sector", "sector", 0, 2, nil},
	} {
		r := row{
			"attribute_display_name": d.name, "attribute_key": d.key, "attribute_display_type": d.kind, "attribute_model": d.model,
			"account_id": Acme, "attribute_description": d.name,
		}
		if d.values != nil {
			r["attribute_values"] = b.json(d.values)
		}
		b.insert("custom_attribute_definitions", r)
	}
}

// filters are saved views; their values are what an agent typed, addresses included. One row holds the
// column's odd default, a JSON string.
func (b *builder) filters() {
	for i, key := range []string{"email", "phone_number", "email", "identifier"} {
		value := b.plant(carrierFilter, Acme, b.invent("filtered"))
		query := obj{"payload": []obj{{
			"attribute_key": key, "filter_operator": "contains", "values": []string{value}, "query_operator": nil, "attribute_model": "standard",
		}}}
		b.insert("custom_filters", row{"name": fmt.Sprintf("Segment %d", i+1), "filter_type": int64(1), "query": b.json(query), "account_id": Acme, "user_id": []int64{Max, Eve}[i%2]})
	}
	urgent := obj{"payload": []obj{{"attribute_key": "priority", "filter_operator": "equal_to", "values": []string{"urgent"}, "query_operator": nil}}}
	b.insert("custom_filters", row{"name": "Urgent", "filter_type": int64(0), "query": b.json(urgent), "account_id": Acme, "user_id": Max})
	b.insert("custom_filters", row{"name": "Empty", "filter_type": int64(0), "query": b.json("{}"), "account_id": Acme, "user_id": Ivy})
}

// hooks are integrations with the credentials of third parties.
func (b *builder) hooks() {
	for _, h := range []struct {
		app, reference string
		account        int64
		status         int64
		settings       obj
	}{
		{"shopify", "acme-demo.myshopify.example", Acme, 1, obj{"scope": "read_customers,read_orders,read_fulfillments"}},
		{"slack", "C0ACMEDEMO", Acme, 1, obj{"channel_name": "support"}},
		{"linear", "acme", Acme, 0, obj{}},
		{"shopify", "borealis-demo.myshopify.example", Borealis, 1, obj{"scope": "read_customers,read_orders,read_fulfillments"}},
	} {
		b.insert("integrations_hooks", row{
			"status": h.status, "account_id": h.account, "app_id": h.app, "reference_id": h.reference, "inbox_id": nil,
			"access_token": b.credential(38), "settings": b.json(h.settings),
		})
	}
}

// audits are Chatwoot's own: they name agents, never contacts.
func (b *builder) audits() {
	for i, u := range b.data.Users[:6] {
		b.insert("audits", row{
			"auditable_id": u.ID, "auditable_type": "User", "associated_id": Acme, "associated_type": "Account", "user_id": u.ID,
			"user_type": "User", "username": u.Email, "action": "sign_in", "audited_changes": b.json(obj{}),
			"remote_address": fmt.Sprintf("192.0.2.%d", i+1), "created_at": b.now.AddDate(0, 0, -i-1),
		})
	}
}
