"""Usual names of columns, by the target that they are (`imports.mapping.columns`), separated by commas.

They come from the public documentation and sample files of other products, among them Mailchimp, Brevo, HubSpot,
Klaviyo, ActiveCampaign, Campaign Monitor, MailerLite, listmonk, Mailtrain, Shopify, WooCommerce, Google Contacts and
Outlook, and from the pages of the four vendors whose APIs we speak. Case, accents and signs do not count.
"""

from typing import Final

ENGLISH: Final = {
    "email": (
        "e-mail, mail, email address, e-mail address, mail address, emails, primary email,"
        "contact email, user email, customer email, subscriber email, billing email, email 1,"
        "email 1 value, email id, correspondence email"
    ),
    "external_id": (
        "external identifier, ext id, customer id, contact id, record id, user id, member id,"
        "subscriber id, client id, customer number, crm id, customer code, record id contact"
    ),
    "first_name": (
        "first, fname, given name, forename, christian name, firstname, billing first name,"
        "contact first name, subscriber first name, customer first name"
    ),
    "last_name": (
        "last, lname, surname, family name, lastname, billing last name, contact last name,"
        "subscriber last name, customer last name"
    ),
    "name": "full name, display name, contact name, customer name, complete name, subscriber name, file as",
    "phone": (
        "phone number, telephone, telephone number, mobile, mobile number, mobile phone,"
        "mobile phone number, cell, cell phone, cellphone, cell number, sms phone number, phone 1,"
        "phone 1 value, whatsapp, whatsapp number, billing phone, phonenumber, tel, msisdn,"
        "primary phone"
    ),
    "tags": "tag, labels, label, group membership, keywords",
    "lists": "list, email lists, mailing list, mailing lists, list name, subscribed lists",
    "is_active": "active, enabled",
    "is_unsubscribed": (
        "unsubscribed, opted out, opt out, optout, email opt out, has opted out, has opted out of email,"
        "unsub, do not email, do not contact, unsubscribed from all email, blocklisted, blacklisted,"
        "email blacklisted, email blocklisted, emailblacklisted, is unsubscribed, global unsubscribe,"
        "hs email optout, is excluded from campaigns, email opted out, email unsubscribed, bounced,"
        "bounce, suppressed, email suppressed, is suppressed, complained, unsubscribe, hard bounced,"
        "hard bounce, marketing opt out, opted out of marketing, opt out email, opt out of email,"
        "opt out of emails"
    ),
    "is_subscribed": (
        "subscribed, opted in, opt in, optin, email opt in, accepts marketing, accepts email marketing,"
        "marketing consent, consent, email consent, newsletter, accepts newsletter,"
        "subscribed to newsletter, subscribed to emails, receive newsletter, email marketing"
    ),
    "status": (
        "subscription status, email status, subscriber status, subscription state,"
        "email subscription status, email marketing status, email marketing consent,"
        "email permission status, confirm status, consent status, state of subscription, opt in status,"
        "marketing status"
    ),
    "unsubscribed_at": (
        "unsub time, clean time, unsubscribed on, unsubscribe date, unsubscribed date,"
        "date unsubscribed, opt out time, opted out at, opt out date, email opt out date,"
        "unsubscribe time, unsubscribed time, date of unsubscription, bounced at, unsubscription date,"
        "email optout time, opt out timestamp, email suppressions"
    ),
    "custom_fields": "attribs, data, variables, custom properties, custom attributes, customfields",
    "*": "properties, attributes, merge fields",
    "metadata.photo": "photo",
}
OTHER_LANGUAGES: Final = (
    {  # German
        "email": "E-Mail-Adresse, Mailadresse, E-Mail Adresse, Emailadresse",
        "external_id": "Kundennummer, Kunden-Nr., Kundennr, Kunden-ID, Mitgliedsnummer, externe ID, Kontakt-ID",
        "first_name": "Vorname",
        "last_name": "Nachname, Familienname, Zuname",
        "name": "vollständiger Name, Vor- und Nachname, Anzeigename, ganzer Name",
        "phone": "Telefon, Telefonnummer, Handy, Handynummer, Mobiltelefon, Mobil, Mobilnummer, Rufnummer, Tel.-Nr.",
        "tags": "Schlagwörter, Schlagworte, Stichwörter, Etiketten",
        "lists": "Liste, Listen, Verteiler, Verteilerliste",
        "is_active": "aktiv",
        "is_unsubscribed": "abgemeldet, abbestellt, ausgetragen, gesperrt, keine Werbung",
        "is_subscribed": "angemeldet, abonniert, Einwilligung, Werbeeinwilligung",
        "status": "Abostatus, Anmeldestatus, Abonnementstatus, E-Mail-Status",
        "unsubscribed_at": "abgemeldet am, Abmeldedatum, abbestellt am",
    },
    {  # French
        "email": "adresse e-mail, adresse email, courriel, adresse courriel, adresse mail, adresse électronique, mél",
        "external_id": "identifiant client, numéro client, n° client, numéro de client, code client",
        "first_name": "prénom",
        "last_name": "nom de famille, patronyme",
        "name": "nom complet, nom et prénom, prénom et nom",
        "phone": "téléphone, numéro de téléphone, portable, téléphone portable, téléphone mobile, n° de téléphone, GSM",
        "tags": "étiquettes, étiquette, mots-clés, libellés",
        "lists": "liste de diffusion, listes, listes de diffusion",
        "is_active": "actif",
        "is_unsubscribed": "désabonné, désinscrit, désinscription",
        "is_subscribed": "abonné, inscrit, consentement, optin email",
        "status": "statut, statut d'abonnement, état de l'abonnement",
        "unsubscribed_at": "date de désinscription, date de désabonnement, désinscrit le, désabonné le",
    },
    {  # Spanish
        "email": "correo, correo electrónico, dirección de correo, dirección de correo electrónico, dirección de email",
        "external_id": "id de cliente, número de cliente, código de cliente",
        "first_name": "nombre, primer nombre, nombre de pila, nombres",
        "last_name": "apellido, apellidos",
        "name": "nombre completo, nombre y apellidos, nombre y apellido",
        "phone": "teléfono, número de teléfono, móvil, teléfono móvil, celular, teléfono celular",
        "tags": "etiqueta, etiquetas",
        "lists": "lista, listas, lista de correo, listas de correo",
        "is_active": "activo",
        "is_unsubscribed": "dado de baja, baja, desuscrito, cancelado, no suscrito",
        "is_subscribed": "suscrito, consentimiento, acepta publicidad",
        "status": "estado de suscripción, estado de la suscripción",
        "unsubscribed_at": "fecha de baja, dado de baja el",
    },
    {  # Portuguese
        "email": "endereço de e-mail, correio eletrónico, correio eletrônico, endereço de email",
        "external_id": "id do cliente, número do cliente, código do cliente",
        "first_name": "nome próprio, primeiro nome",
        "last_name": "sobrenome, apelido, último nome",
        "name": "nome completo, nome e sobrenome",
        "phone": "telefone, número de telefone, celular, telemóvel, telefone celular",
        "tags": "etiquetas, marcadores",
        "lists": "lista, listas, lista de e-mail",
        "is_active": "ativo",
        "is_unsubscribed": "descadastrado, cancelou inscrição, cancelou a inscrição, não inscrito",
        "is_subscribed": "inscrito, assinante, consentimento",
        "status": "status da inscrição, situação da inscrição, estado da subscrição",
        "unsubscribed_at": "data de cancelamento, data do cancelamento",
    },
    {  # Italian
        "email": "indirizzo e-mail, indirizzo email, posta elettronica, indirizzo di posta elettronica",
        "external_id": "id cliente, codice cliente, numero cliente",
        "first_name": "nome",
        "last_name": "cognome",
        "name": "nome completo, nome e cognome, nominativo",
        "phone": "telefono, numero di telefono, cellulare, telefono cellulare, numero di cellulare",
        "tags": "etichette, etichetta",
        "lists": "lista, liste, mailing list",
        "is_active": "attivo",
        "is_unsubscribed": "disiscritto, cancellato, annullato",
        "is_subscribed": "iscritto, consenso, consenso marketing",
        "status": "stato iscrizione, stato dell'iscrizione, stato di iscrizione",
        "unsubscribed_at": "data disiscrizione, data di disiscrizione, data cancellazione",
    },
    {  # Dutch
        "email": "e-mailadres, emailadres, mailadres",
        "external_id": "klantnummer, klant-id, relatienummer",
        "first_name": "voornaam",
        "last_name": "achternaam, familienaam",
        "name": "naam, volledige naam",
        "phone": "telefoon, telefoonnummer, mobiel, mobiel nummer, gsm-nummer",
        "tags": "labels, trefwoorden",
        "lists": "lijst, lijsten, mailinglijst",
        "is_active": "actief",
        "is_unsubscribed": "uitgeschreven, afgemeld",
        "is_subscribed": "ingeschreven, aangemeld, toestemming",
        "status": "inschrijfstatus, abonnementsstatus",
        "unsubscribed_at": "datum uitschrijving, uitgeschreven op, afgemeld op, uitschrijfdatum",
    },
    {  # Polish
        "email": "adres e-mail, adres email, poczta, adres poczty elektronicznej",
        "external_id": "numer klienta, id klienta, nr klienta",
        "first_name": "imię",
        "last_name": "nazwisko",
        "name": "imię i nazwisko, pełne imię i nazwisko, pełna nazwa",
        "phone": "telefon komórkowy, numer telefonu, komórka, nr telefonu",
        "tags": "tagi, etykiety, znaczniki",
        "lists": "listy, lista mailingowa",
        "is_active": "aktywny",
        "is_unsubscribed": "wypisany, wypisani, rezygnacja",
        "is_subscribed": "zapisany, subskrybent, zgoda, zgoda marketingowa",
        "status": "status subskrypcji",
        "unsubscribed_at": "data wypisania, data rezygnacji, data wypisu",
    },
    {  # Turkish
        "email": "e-posta, eposta, e-posta adresi, eposta adresi, mail adresi",
        "external_id": "müşteri no, müşteri numarası, müşteri kodu",
        "first_name": "ad, adı, isim, ilk ad",
        "last_name": "soyad, soyadı, soy isim, soyisim",
        "name": "ad soyad, adı soyadı, tam ad, ad ve soyad, isim soyisim",
        "phone": "telefon numarası, cep telefonu, gsm no, telefon no, cep numarası",
        "tags": "etiketler, etiket",
        "lists": "listeler, e-posta listesi",
        "is_active": "aktif",
        "is_unsubscribed": "abonelikten çıktı, abonelikten ayrıldı, abonelik iptal",
        "is_subscribed": "abone, izinli, onay",
        "status": "durum, abonelik durumu",
        "unsubscribed_at": "abonelikten çıkma tarihi, çıkış tarihi",
    },
    {  # Ukrainian
        "email": "електронна пошта, ел. пошта, пошта, адреса електронної пошти, імейл",
        "external_id": "номер клієнта, код клієнта, ід клієнта",
        "first_name": "ім'я, ім’я, імя",
        "last_name": "прізвище",
        "name": "піб, повне ім'я, повне ім’я, ім'я та прізвище, прізвище та ім'я",
        "phone": "телефон, номер телефону, мобільний, мобільний телефон",
        "tags": "теги, мітки",
        "lists": "список, списки, розсилка, списки розсилки",
        "is_active": "активний",
        "is_unsubscribed": "відписаний, відписався, відписано",
        "is_subscribed": "підписаний, підписано, згода",
        "status": "статус, статус підписки",
        "unsubscribed_at": "дата відписки",
    },
    {  # Russian
        "email": "электронная почта, почта, эл. почта, адрес электронной почты, электронный адрес, имейл",
        "external_id": "номер клиента, код клиента, ид клиента",
        "first_name": "имя",
        "last_name": "фамилия",
        "name": "фио, полное имя, имя и фамилия, фамилия и имя, имя фамилия",
        "phone": "номер телефона, мобильный, мобильный телефон, сотовый, тел.",
        "tags": "метки, тэги",
        "lists": "рассылка, рассылки, списки рассылки",
        "is_active": "активен, активный",
        "is_unsubscribed": "отписан, отписался, отписано",
        "is_subscribed": "подписан, подписано, согласие",
        "status": "статус подписки",
        "unsubscribed_at": "дата отписки",
    },
)
SECOND_CHOICE: Final = {
    "email": (
        "work email, business email, personal email, home email, other email, private E-Mail, email pro,"
        "subscriber"
    ),
    "phone": (
        "home phone, business phone, work phone, other phone, company phone, landline, landline number,"
        "default phone, default address phone, sms, Telefon privat, Telefon geschäftlich, Festnetz"
    ),
    "first_name": "Rufname",
    "last_name": "nom",
}
"""What counts where no column has a name of the first choice."""
