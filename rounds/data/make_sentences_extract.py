"""Makes sentences_extract.npz and .json: real embeddings of a small help desk.

    python rounds/data/make_sentences_extract.py

Needs `make models`. The chapter on semantic search reads it through
`rounds.sentences`. Every text was written for this course. Among them are
paraphrases, near misses, opposites, other languages, and long notes that mention much
in passing, since these are what a search by vectors does well or badly.
"""

import json
from pathlib import Path

import numpy as np

from rounds.models import minilm

HERE = Path(__file__).parent

NEWS = (
    "Dear readers, this has been a busy spring for all of us. We moved into a brighter "
    "office near the station, welcomed four new colleagues, and repainted the kitchen "
    "together on a rainy Saturday. The new app is faster, has a dark theme, and no "
    "longer loses your place when you turn the phone. Many of you wrote to us about "
    "passwords, billing and deliveries, and we have read every letter. Thank you for "
    "your patience, and for the photographs of your cats. See you in the summer."
)
TERMS = (
    "These terms apply to every contract between you and us, whether it was made in "
    "the shop, by telephone or online. Prices include tax. Ownership passes to you "
    "when you have paid in full. You may return goods within thirty days, unless they "
    "were made to your order. We answer for defects as the law provides, and not for "
    "damage by careless use. We keep your data as long as the contract runs and the "
    "tax office demands. If one of these terms is void, the others stay in force."
)
HISTORY = (
    "Our firm was founded in 1987 by two sisters who repaired bicycles in a garage. In "
    "the nineties they began to sell parts by post, later a catalogue of four hundred "
    "pages, and in 2004 the first online shop. Today sixty people work for us in three "
    "towns, and we send about nine thousand parcels a week. The garage is still there: "
    "on Fridays the sisters mend bicycles in it, free of charge, for anybody who comes."
)

DOCS = [
    "To reset your password, choose Security and follow the link we mail you.",
    "Forgot how to log in? Ask for a new password on the sign-in page.",
    "A password has at least twelve characters, one of them a digit.",
    "Passwort vergessen? Auf der Anmeldeseite können Sie ein neues anfordern.",
    "Mot de passe oublié ? Demandez-en un nouveau sur la page de connexion.",
    "パスワードを忘れた場合は、ログイン画面から再設定できます。",
    "Two-factor sign-in protects your account with a code from your phone.",
    "Your account is locked for an hour after five wrong passwords.",
    "You can cancel your subscription at any time under Billing.",
    "You cannot cancel your subscription before the year is over.",
    "To renew your subscription, add a valid card under Billing.",
    "Refunds arrive within fourteen days on the card that you used.",
    "We do not give refunds for the current month.",
    "Invoices are mailed on the first of the month and kept under Billing.",
    "To pay with another card, replace the one under Billing.",
    "Students pay half with a university address.",
    "Prices rise by three percent in January.",
    "Parcels arrive within three working days.",
    "Your package should be with you by the end of the week.",
    "Delivery to islands takes up to ten days.",
    "Follow your parcel with the number in our message.",
    "A courier rings twice, then leaves the box with a neighbour.",
    "Shipping is free for orders above fifty euros.",
    "Wir liefern innerhalb von drei Werktagen.",
    "You may send goods back within thirty days.",
    "A return label is printed from the order page.",
    "Goods made to order cannot be returned.",
    "What arrived broken is replaced free of charge.",
    "Send us a photograph of the damage within a week.",
    "The warranty lasts two years from the day of purchase.",
    "Bicycles weigh between nine and fourteen kilograms.",
    "Pump the tyres to the pressure that is printed on their side.",
    "Oil the chain after every ride in the rain.",
    "A flat tyre is mended in ten minutes with two levers and a patch.",
    "How to fix a puncture: take the wheel off, find the hole, glue a patch.",
    "Brakes that squeal need cleaning or new pads.",
    "The battery of an electric bicycle lasts about eighty kilometres.",
    "Charge the battery indoors, never below freezing.",
    "The battery must not be charged by a third party's charger.",
    "Children under eight ride with an adult.",
    "Helmets come in three sizes; measure above the eyebrows.",
    "We are open from nine to six, on Saturdays until two.",
    "Our shop is closed on Sundays and holidays.",
    "Call us on weekdays between eight and noon.",
    "The cat sat on the mat.",
    "A feline was resting on the rug.",
    "Katzen schlafen bis zu sechzehn Stunden am Tag.",
    "Dogs are welcome in the shop.",
    "The ride was wonderful.",
    "The ride was terrible.",
    "The river bank is steep, so get off and push.",
    "The bank refused the card.",
    "A python is a snake that lives in warm forests.",
    "Python is a language in which our web shop is written.",
    "The file is read line by line to save memory.",
    "The file smooths the edge of a cut spoke.",
    "To delete your account, write to us; it takes a month.",
    "Your data are kept for ten years where the law demands it.",
    "We sell no data to anybody.",
    NEWS,
    TERMS,
    HISTORY,
]

# A question, and what each document is worth for it: 3 answers it, 1 touches it.
QUESTIONS = [
    ("I can't remember my password", {0: 3, 1: 3, 3: 3, 4: 3, 5: 3, 7: 1, 2: 1}),
    ("how do I end my subscription", {8: 3, 9: 3, 10: 1}),
    ("when do I get my money back", {11: 3, 12: 3}),
    ("how long does shipping take", {17: 3, 18: 3, 19: 3, 23: 3, 20: 1}),
    ("can I return what I bought", {24: 3, 26: 3, 25: 1, 60: 1}),
    ("repair a flat tire", {33: 3, 34: 3, 31: 1}),
    ("opening hours", {41: 3, 42: 3, 43: 1}),
    ("how far does an e-bike go on one charge", {36: 3, 37: 1}),
    ("the thing came damaged", {27: 3, 28: 3, 29: 1}),
    ("who started the company", {61: 3}),
]
# Nothing in the store answers these.
STRANGE = ["what is the capital of Australia", "best recipe for lentil soup"]


def main() -> None:
    """Embed all texts and write both files.

    means: float16 (n, 384), for each text the mean of the last layer's rows over its
    tokens, not divided by its length; n_tokens: how many they are, ends included.
    """
    model = minilm.load()
    texts = DOCS + [text for text, _ in QUESTIONS] + STRANGE
    means, n_tokens = [], []
    for text in texts:
        ids = np.array([model.tokenizer.encode(text, model.max_len)])
        rows = model.forward(ids, np.ones(ids.shape, bool))[0]
        means.append(rows.mean(axis=0))
        n_tokens.append(len(rows))
    about = {
        "model": "all-MiniLM-L6-v2",
        "made_by": "rounds/data/make_sentences_extract.py",
        "docs": DOCS,
        "questions": [
            {"text": text, "gains": {str(doc): gain for doc, gain in gains.items()}}
            for text, gains in QUESTIONS
        ],
        "strange": STRANGE,
        "n_tokens": n_tokens,
    }
    text = json.dumps(about, ensure_ascii=False, indent=1)
    (HERE / "sentences_extract.json").write_text(f"{text}\n", encoding="utf-8")
    stored = np.array(means).astype(np.float16)
    np.savez_compressed(HERE / "sentences_extract.npz", means=stored)
    print(f"{len(texts)} texts, means {stored.shape}")


if __name__ == "__main__":
    main()
