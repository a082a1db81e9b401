# ruff: noqa: RUF001  (other scripts' punctuation is meant)
"""Prompts that no training saw, in nine languages, each with the route where a person would put it."""

from pointsman_classifier.routes import RouteText

POLICY = (
    RouteText(
        "code",
        "programming",
        "write, fix or explain code",
        "Requests to write, change, debug, review or explain source code, queries or scripts.",
    ),
    RouteText("mathematics", "", "", "Calculations, equations, proofs and word problems with numbers."),
    RouteText("translation", "", "", "Translate words, sentences or documents from one language into another."),
    RouteText("chit-chat", "", "", "Greetings, thanks and small talk without a task."),
    RouteText("writing", "", "", "Write or improve texts such as e-mails, stories, poems and speeches."),
    RouteText("knowledge", "", "", "Questions about facts: history, geography, people, nature and science."),
)

EXAMPLES = {
    "code": ("How do I parse JSON in Rust?", "Mein Skript bricht mit einem IndexError ab"),
    "mathematics": ("What is the square root of 169?", "Berechne das Volumen einer Kugel mit Radius 3"),
    "translation": ("Say 'good luck' in Greek", "Wie heißt Schmetterling auf Italienisch?"),
    "chit-chat": ("hey, what's up?", "Schönen Feierabend!"),
    "writing": ("Write a toast for my sister's wedding", "Formuliere eine Beschwerde an die Bahn"),
    "knowledge": ("Who invented the telephone?", "Wie hoch ist der Mount Everest?"),
}

WITH_EXAMPLES = tuple(RouteText(r.name, r.domain, r.action, r.description, EXAMPLES[r.name]) for r in POLICY)

LABELLED = (
    ("chit-chat", "hello!"),
    ("chit-chat", "Hey, how's it going?"),
    ("chit-chat", "Guten Abend, schön dich zu sehen"),
    ("chit-chat", "merci, à bientôt"),
    ("chit-chat", "¿Qué tal tu día?"),
    ("chit-chat", "谢谢你，晚安"),
    ("chit-chat", "Привет, как настроение?"),
    ("chit-chat", "Buonasera, tutto bene?"),
    ("translation", "Übersetze das ins Englische"),
    ("translation", "How would a Spaniard say 'see you next week'?"),
    ("translation", "Traduis-moi ce mail en néerlandais"),
    ("translation", "Tradúcelo al portugués, por favor"),
    ("translation", "请把这封信翻译成德文"),
    ("translation", "Как будет «библиотека» по-испански?"),
    ("translation", "Bunu Almancaya çevir"),
    ("translation", "Put these three sentences into Korean"),
    ("code", "My C# program throws a StackOverflowException in this recursive method"),
    ("code", "Write unit tests for a Java class that parses dates"),
    ("code", "Wie lese ich in Python eine CSV-Datei ein?"),
    ("code", "Comment supprimer un élément d'un tableau en PHP ?"),
    ("code", "¿Cómo hago un join de dos tablas en PostgreSQL?"),
    ("code", "用Java实现快速排序"),
    ("code", "def mean(xs): return sum(xs) / len(x)  # NameError, why?"),
    ("code", "Jak sklonować repozytorium w Git?"),
    ("mathematics", "If a shirt costs 40 dollars after a 20% discount, what was the original price?"),
    ("mathematics", "Find all x with x^3 - x = 0"),
    ("mathematics", "Berechne die Ableitung von x^3 + 2x"),
    ("mathematics", "Combien font 45 divisé par 9 ?"),
    ("mathematics", "¿Cuál es el área de un triángulo de base 6 y altura 4?"),
    ("mathematics", "求函数 f(x)=x^2 的导数"),
    ("mathematics", "Сколько будет 15 процентов от 300?"),
    ("mathematics", "Prove that the sum of two odd numbers is even"),
    ("writing", "Write a limerick about a sleepy dragon"),
    ("writing", "Draft an apology e-mail to a customer whose parcel was lost"),
    ("writing", "Schreibe eine Rede zum 50. Geburtstag meines Vaters"),
    ("writing", "Écris une courte histoire pour enfants sur un renard"),
    ("writing", "Escribe una carta de amor"),
    ("writing", "写一篇关于家乡的短文"),
    ("writing", "Scrivi un discorso per la laurea di mia figlia"),
    ("knowledge", "Which planet has the most moons?"),
    ("knowledge", "Who was the first emperor of Rome?"),
    ("knowledge", "Welcher Fluss fließt durch Wien?"),
    ("knowledge", "Qui a inventé l'imprimerie ?"),
    ("knowledge", "¿En qué continente está Egipto?"),
    ("knowledge", "世界上最高的山是哪座？"),
    ("knowledge", "Quando è nato Leonardo da Vinci?"),
    ("knowledge", "Why do leaves turn red in autumn?"),
)
"""(route, prompt)"""

COMPANY = (
    RouteText(
        "support", "", "", "Customers who have a problem with an order, a delivery, an invoice or their account."
    ),
    RouteText("sales", "", "", "People who want to buy, ask for prices, discounts or a comparison of plans."),
    RouteText("engineering", "", "", "Programming questions from our developers, stack traces and code review."),
    RouteText("hr", "", "", "Questions about holidays, salaries, contracts and benefits of employees."),
    RouteText("data-analysis", "", "", "Statistics, charts, SQL and spreadsheets: analyse numbers and explain trends."),
    RouteText("smalltalk", "", "", "Friendly conversation, greetings, jokes."),
)
"""A policy whose routes are no categories of the heads."""

COMPANY_LABELLED: tuple[tuple[str | None, str], ...] = (
    ("support", "Where is my package? It should have come on Monday."),
    ("support", "Ich wurde zweimal belastet, bitte storniert eine Rechnung"),
    ("support", "No puedo entrar en mi cuenta"),
    ("support", "商品坏了，我想退货"),
    ("sales", "How much is the business plan for 50 seats?"),
    ("sales", "Gibt es Mengenrabatt?"),
    ("sales", "Je voudrais acheter deux licences"),
    ("sales", "Quale piano è più conveniente?"),
    ("engineering", "Why does my goroutine panic with nil map assignment?"),
    ("engineering", "Kannst du meinen Pull Request anschauen?"),
    ("engineering", "Comment écrire un test unitaire avec pytest ?"),
    ("engineering", "この関数をリファクタリングして"),
    ("hr", "How many vacation days do I have left?"),
    ("hr", "Wann kommt mein Gehalt?"),
    ("hr", "¿Cómo pido la baja por paternidad?"),
    ("hr", "Сколько дней отпуска мне положено?"),
    ("data-analysis", "Plot the monthly revenue and tell me what the trend is"),
    ("data-analysis", "Welche Korrelation besteht zwischen Preis und Absatz in dieser Tabelle?"),
    ("data-analysis", "Calcula la media y la desviación estándar de estas ventas"),
    ("data-analysis", "Write a pivot table for this spreadsheet"),
    ("smalltalk", "good evening!"),
    ("smalltalk", "Na, alles fit?"),
    ("smalltalk", "raconte-moi une blague"),
    ("smalltalk", "你今天开心吗"),
    (None, "Translate this sentence to Thai"),
    (None, "Who was Cleopatra?"),
    (None, "Schreibe ein Gedicht über den Mond"),
    (None, "My knee hurts when I run"),
)
"""(route or None, prompt): written after training and scored once before they were put here."""
