package leaktest

// What mutants are made with.
var (
	vocabulary = []string{
		"{", "}", "(", ")", "[", "]", ":", "=", "!", "|", "&", "$", "@", "...", "query", "mutation", "subscription", "fragment",
		"on", "true", "false", "null", "0", "1", "-1", "1.5", `""`, `"a"`, `"""a"""`, "nope", "type", "extend", "schema", "repeatable",
		"__typename", "id", "email", "# x", "# x\n", "..", ".", "'", "`", ";", "%", "?", "/", "\\",
	}
	names = []string{
		"nope", "id", "name", "email", "content", "nodes", "edges", "__typename", "__schema", "__type", "Query", "Mutation", "Account", "Contact",
		"MessageSender", "EmailAddress", "String", "ID", "Int", "Boolean", "ContactFilter", "ContactOrder", "LookupContactInput", "PageInfo",
		"on", "true", "null", "query", "first", "last", "after", "filter", "input", "Float", "DateTime", "User", "AgentBot",
		"OPEN", "DESC", "_", "__x", "if", "skip", "include", "deprecated", "__Type", "__Schema", "ConversationStatus",
	}
	numberTexts = []string{
		"2147483647", "2147483648", "-2147483648", "-2147483649", "99999999999999999999", "9007199254740993", "1.5", "1.0", "1e2", "1e400", "-0", "-0.0", "0.0",
		"01", "1a", "0x1F", "1.", ".5", "1e", "-", "+1", "1_000", "--1", "1.5.5", "1e+2", "1E-2", "0b", "1orderBy:{}", "1.5after:null", "1filter:{}", "00", `"1"`, "true", "NaN", "1...", "1\"\"",
	}
	stringTexts = []string{
		`"\q"`, `"\u12"`, `"\u00g0"`, `"\u{41}"`, `"\u{}"`, `"\u{110000}"`, `"\u{D800}"`, `"\u{0000000041}"`, `"\uD800"`, `"\uDC00"`, `"\uD83D\uDE00"`, `"\uDE00\uD83D"`,
		`"\uD83D\u{DE00}"`, `"\uD83Dx"`, `"\u{1F600}"`, `"\x41"`, `"\'"`, `"\"`, `"`, "\"a\nb\"", "\"\x01\"", "\"\t\"", "\"\u007f\"", `"\0"`, `"\/\b\f\n\r\t\\"`, "\"\ufffd\"",
		`"""a""""`, `""""a"""`, `""""""`, `"""""""`, `""""""""`, `"""""""""`, `"""\"""`, `"""\""""""`, `"""a\"""`, `"""\u0041"""`, `"""\q"""`, `"""\\"""`, "\"\"\"a\r\n  b\n c\"\"\"", "\"\"\"\x01\"\"\"",
		`"a" "b"`, `"a""b"`, `'a'`, `"""a`, "\"\"\"\n\"\"\"", `"\U0041"`, `"\u0000"`, "\"\u2028\"", `"☃"`, `"\ud83d\ude00"`, `"\u{D83D}\u{DE00}"`,
	}
	valueTexts = []string{
		"true", "null", "NOPE", "OPEN", "DESC", "1", "1.5", `"x"`, "[]", "[1]", "[null]", "[[1]]", "{}", "{a:1}", "{a:1,a:2}", "{email:\"a\",email:\"b\"}", "$", "$nope", "[$nope]", "{email:$nope}",
		"{field:NAME}", "{field:null}", "{field:\"NAME\"}", "{status:OPEN}", "{status:[OPEN,null]}", "{status:[OPEN,NOPE]}", "{labels:\"a\"}", "{labels:[1]}", "{labels:null}", "{createdSince:1}",
		"{createdSince:{a:1}}", "{createdSince:[1]}", "{createdSince:$nope}", "{blocked:\"true\"}", "{inboxId:1.5}", "{inboxId:2147483648}", "{inboxId:99999999999999999999}", "{nope:1}", "{{}}", "[1", "{a:}",
		"{accountId:1}", "{agentId:1,masked:true,reason:\"x\",expectedVersion:99999999999}", "{createdSince:{a:1,a:2}}", "{createdSince:NOPE}", "@x", "query",
	}
	directiveTexts = []string{
		"@include", "@include(if:true)", "@include(if:\"x\")", "@include(if:null)", "@include(if:1)", "@include(if:$nope)", "@include(if:[true])", "@skip(if:true)@skip(if:false)", "@skip(if:true)@include(if:true)",
		"@deprecated", "@pii(kind:EMAIL)", "@piiText", "@planned", "@scope(any:\"x\")", "@hasRole(role:AGENT)", "@serviceOnly(scope:\"x\")", "@nope", "@nope(a:1)", "@specifiedBy(url:\"x\")", "@oneOf", "@include(if:true,if:true)",
		"@include(if:true,unless:true)", "@ include(if:true)", "@include()", "@defer", "@stream", "@include(if:{})", "@include(if:true,nope:{a:1,a:2})", "@defer(if:true)", "@goField",
	}
	selectionTexts = []string{
		"...on Nope{id}", "...Nope", "...on EmailAddress{id}", "...on ContactFilter{id}", "...on MessageType{id}", "...on Query{viewer{kind}}", "...on Contact{id}", "...on User{id}", "...on MessageSender{__typename}",
		"id:__typename id", "id:__typename", "x:id x:name", "x:__typename x:__typename", "__typename{id}", "__typename(a:1)", "__typename:id", "__schema{types{name}}", "__type{name}", "__type(name:\"User\"){name}",
		"__type(name:\"User\"){fields{type{fields{type{fields{name}}}}}}", "__schema{types{fields{type{fields{type{fields{name}}}}}}}", "...", "...{}", "...{__typename}", "...on{id}", "...@include(if:true){__typename}",
		"...on Query@nope{__typename}", "{}", "id{}", "id{id}", "name(", "a:b:c", "viewer", "viewer{kind}", "account{id}", "account(id:1){id}", "nodes{id}", "email:phoneNumber", "...on on", "query", "...F_a", "...Card_a",
		"...on ContactConnection{nodes{id}}", "x:conversations(first:1){nodes{id}}x:conversations(first:2){nodes{id}}", "a:labels a:labels", "__type(name:$nope){name}", "...on __Type{name}", "__typename@skip(if:true)",
	}
	argumentTexts = []string{
		"first:1", "first:1,first:1", "first:1,first:2", "nope:1", "id:1", "id:null", "id:1.5", "id:true", "id:$nope", "input:{}", "input:null", "filter:{}", "filter:{nope:1}", "filter:null", "orderBy:{field:NOPE}",
		"orderBy:{direction:\"DESC\"}", "orderBy:[]", "after:1", "first:\"1\"", "first:1.0", "first:2147483648", "first:null", "$a:Int", "\"description\"$x:Int", "$a:Int!=null", "if:true", ",", "accountId:[1]", "first:-1", "first:{}",
		"input:{email:\"a\",email:\"b\"}", "displayId:99999999999", "$nope:Nope", "last:1", "filter:{status:OPEN}", "filter:{createdSince:{a:$nope}}",
	}
	variableTexts = []string{
		"($a:Int)", "($a:Int,$a:Int)", "($a:Nope)", "($a:Account)", "($a:[Account!])", "($a:Int=\"x\")", "($a:Int!=null)", "($a:Int=$b)", "($a:[Int!]!=[null])", "($a:Int=2147483648)", "()", "($a)", "($:Int)", "(a:Int)",
		"($a:Int@include(if:true))", "($a:Int@nope)", "($a:Int@include(if:$a))", "(\"description\"$a:Int)", "($a:[[Int]])", "($a:LookupContactInput={email:1})", "($a:LookupContactInput={nope:1})", "($a:ConversationStatus=NOPE)",
		"($a:DateTime={a:1})", "($a:Int!!)", "($a:[Int)", "@include(if:true)", "@skip(if:true)", "@nope", "X", "X X", "($a:Boolean=true)@include(if:$a)", "($a:ContactOrder={})", "($a:EmailAddress)", "($a:MessageSender)", "($a:[Int!]!=1)",
		"($a:ContactOrder={field:null})", "($a:ContactFilter={labels:[null]})", "($a:Query)",
	}
	definitionTexts = []string{
		"extend type Query{x:Int}", "type A{b:Int}", "schema{query:Query}", "scalar X", "directive@x on FIELD", "enum E{A}", "input I{a:Int}", "union U=A", "interface N{a:Int}", "extend schema@x",
		"{__typename}", "query{__typename}", "query Qa{__typename}", "query Q{__typename}", "query Q{__typename}query Q{__typename}", "mutation{__typename}", "mutation M{nope}", "subscription{__typename}", "subscription S{x}", "subscription S{a b}",
		"fragment F_a on Query{__typename}", "fragment X on Query{...X}", "fragment X on Query{...Y}fragment Y on Query{...X}", "query C{...X}fragment X on Query{...X}", "query C{...X}fragment X on Query{viewer{kind}...Y}fragment Y on Query{...X}",
		"query C{...X}fragment X on Query{viewer{accounts{...Z}}}fragment Z on Account{contact(id:1){conversations(first:1){nodes{contact{...W}}}}}fragment W on Contact{id}", "fragment on on Query{__typename}", "fragment X on Nope{id}",
		"fragment X on EmailAddress{id}", "fragment X on ContactFilter{id}", "fragment X($a:Int)on Query{__typename}", "fragment X($a:Int=1)on Query{account(id:$a){id}}query U{...X}", "fragment X on Query@include(if:true){__typename}",
		"\"d\"query D{__typename}", "\"d\"fragment D on Query{__typename}query E{...D}", "\"d\"{__typename}", "\"\"\"d\"\"\"query D{__typename}", "\"d\"", "\"d\"\"e\"query D{__typename}", "\"d\"type A{b:Int}", "query C{...X}fragment X on Query{__typename}fragment X on Query{__typename}",
		"query U($a:Int){account(id:$a){id}}", "query U{account(id:$a){id}}", "query U($a:ID!){account(id:$a){id}}", "query U($a:ID){account(id:$a){id}}", "query U($a:ID=null){account(id:$a){id}}", "query U($a:ID=1){account(id:$a){id}}", "query U($a:String!){account(id:$a){id}}",
		"query U($a:[String]){account(id:1){contacts(first:1,filter:{labels:$a}){nodes{id}}}}", "query U($a:String!){account(id:1){contacts(first:1,filter:{labels:$a}){nodes{id}}}}", "query U($a:ContactOrderField){account(id:1){contacts(first:1,orderBy:{field:$a}){nodes{id}}}}",
		"query U($a:ID!){...V}fragment V on Query{account(id:$a){id}}", "query U{...V}fragment V on Query{account(id:$a){id}}query W($a:ID!){...V}", "query U($a:DateTime){account(id:1){contacts(first:1,filter:{createdSince:{a:$a}}){nodes{id}}}}",
		"query", "fragment", "{", "}", "#", "query Q", "query Q()", "mutation{setPiiMasking{agent{id}}}", "mutation{setPiiMasking(input:{}){agent{id}}}", "query O{viewer{accounts{a:conversations(first:1){nodes{id}}a:contacts(first:1){nodes{id}}}}}",
		"query O{account(id:1){conversation(displayId:1){lastMessage{sender{...on User{x:email}...on Contact{x:email}}}}}}", "query O{account(id:1){conversation(displayId:1){lastMessage{sender{...on User{x:id}...on Contact{x:name}}}}}}",
		"query O{account(id:1){conversation(displayId:1){lastMessage{sender{...on User{x:id}...on Contact{x:labels}}}}}}", "query O{...on Query{v:viewer{kind}}...{v:viewer{policyVersion}}}", "query O{v:viewer{x:kind}v:viewer{x:policyVersion}}",
	}
	characters = []string{
		"\x00", "\x01", "\x0b", "\x0c", "\x1b", "\x7f", "\u0080", "\u00a0", "\u200b", "\u2028", "\ufeff", "\ufffe", "\uffff", "\ufffd", "😀", "\xff", "\xed\xa0\x80", "é", "\"", "\\", "'", "#", "\r", "\n", "\t", ",", "/*", "//", "-", "+", ".", "0", "\"\"\"", "\\u", "$", "!", "@",
	}
)
