### Tout ce que disent les pages, en français du Canada. Mêmes clés que `en.ftl`; le glossaire est dans `../glossary.toml`.

## Autour de chaque page
brand = Registre de sources publiques
skip = Passer au contenu
nav = Sections
nav-search = Recherche
nav-sources = Sources
nav-coverage = Couverture
nav-denials = Refus
nav-agents = Agents
other-language = English
sign-out = Fermer la session
crumbs = Vous êtes ici
trial-word = ESSAI
trial-says = Ceci est une démonstration. Elle a créé toutes ses clés, et ce que vous voyez est inventé : elle ne prouve rien sur le monde.
trial-foot = rien dans ce journal ne peut devenir un élément de preuve.
foot-log = Journal
foot-size = Taille
foot-followed = { $count ->
    [one] tables complètes jusqu’à { $count } feuille
   *[other] tables complètes jusqu’à { $count } feuilles
  }
foot-checkpoint = Dernier point de contrôle
foot-utc = Toutes les heures sont en temps universel coordonné (UTC).
foot-claims = Le journal prouve ce que les agents ont déclaré, en vertu de quelle autorisation, et que rien n’a changé depuis; il ne prouve pas que c’est vrai.
foot-api = Interface pour les programmes
trust-root = Racine de confiance
leaves = { $count ->
    [one] { $count } feuille
   *[other] { $count } feuilles
  }
days = { $count ->
    [one] { $count } jour
   *[other] { $count } jours
  }
items = { $count ->
    [0] aucune fiche
    [one] { $count } fiche
   *[other] { $count } fiches
  }
segments = { $count ->
    [0] aucun pour l’instant
    [one] { $count } segment
   *[other] { $count } segments
  }
nobody = personne
ago = il y a { $what }
span-under-a-minute = moins d’une minute
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
  }
span-hours = { $count ->
    [one] { $count } heure
   *[other] { $count } heures
  }
copy = Copier
copied = Copié
filter-button = Afficher
from-to = du { $from } au { $to }

## Recherche
search-title = Recherche
search-title-for = { $what } – recherche
search-heading = Ce qui a été recueilli, et comment nous le savons
search-label = Chercher dans les fiches
search-placeholder = Mots, "expression exacte", source:…, lang:…
search-button = Chercher
search-found = { $count ->
    [0] Aucune fiche trouvée
    [one] { $count } fiche
   *[other] { $count } fiches
  }
search-complete = Complet jusqu’à la taille { $size } du journal.
search-wrong = La requête ne peut pas être lue
search-wrong-column = au caractère { $count }.
search-failed = La recherche n’a pas abouti
search-too-slow = La recherche a pris plus de { $count } ms. Demandez une période plus courte ou des mots plus rares.
search-cursor = Cette page appartient à une autre requête. Recommencez par les plus récentes.
search-index = L’index n’a pas pu être lu.
query-too-long = La requête compte { $bytes } octets; { $most } sont permis.
query-too-long-hint = Demandez moins à la fois.
query-stray-bracket = Cette parenthèse ne ferme rien.
query-stray-bracket-hint = Retirez-la ou placez-la entre guillemets droits.
query-no-word = Il manque un mot ici.
query-no-word-hint = Écrivez un mot. Pour chercher `OR`, `AND` ou une parenthèse, placez-les entre guillemets droits.
query-too-deep = Parenthèses et signes moins s’emboîtent sur plus de { $most } niveaux.
query-too-deep-hint = Demandez plus simplement.
query-lone-minus = Ce signe moins n’exclut rien.
query-lone-minus-hint = Écrivez-le tout contre un mot : `-ferry`. Dans un mot composé, il se passe d’espaces : `ice-free`.
query-open-bracket = Cette parenthèse n’est pas fermée.
query-open-bracket-hint = Ajoutez `)` ou placez-la entre guillemets droits.
query-not = `NOT` s’écrit par un signe moins.
query-not-hint = Écrivez `-mot`, ou `"NOT"` pour chercher ce mot.
query-star-inside = L’astérisque de `{ $value }` n’est pas à la fin.
query-star-inside-hint = Seul le début d’un mot peut être cherché : `harb*`.
query-no-letter = `{ $value }` ne contient ni lettre ni chiffre.
query-no-letter-hint = La ponctuation ne peut pas être cherchée; retirez-la.
query-no-value = `{ $name }:` n’a pas de valeur.
query-no-value-hint = Écrivez-la sans espace : `{ $name }:…`.
query-too-many = La requête compte plus de { $most } mots et champs.
query-too-many-hint = Demandez moins à la fois.
query-open-quote = Ce guillemet n’est pas fermé.
query-open-quote-hint = Ajoutez `"` à la fin de l’expression exacte.
query-other-field = Il n’y a pas de champ `{ $name }`.
query-other-field-hint = C’est peut-être `{ $meant }:`. Pour chercher le texte lui-même, placez-le entre guillemets droits.
query-no-field = Il n’y a pas de champ `{ $name }`.
query-no-field-hint = Les champs connus sont `{ $known }`. Pour chercher le texte lui-même, placez-le entre guillemets droits.
query-not-one-of = `{ $name }:` ne connaît pas `{ $value }`.
query-not-one-of-hint = Écrivez l’une de ces valeurs : `{ $known }`.
query-no-moment = `{ $value }` n’est ni un jour ni un instant.
query-no-moment-hint = Écrivez `{ $name }:2026-10-01`, `{ $name }:2026-10`, `{ $name }:2026` ou `{ $name }:2026-10-01T09:00:00Z`.
query-no-span = `{ $value }` n’est ni une durée ni un jour.
query-no-span-hint = Écrivez `seen:24h`, `seen:7d`, `seen:2w`, `seen:2026-10-01` ou `seen:2026-10-01..2026-10-05`.
query-days-turned = `{ $last }` précède `{ $first }`.
query-days-turned-hint = Écrivez d’abord le jour le plus ancien.
query-no-host = `{ $value }` n’est ni un hôte ni une adresse.
query-no-host-hint = Écrivez `link:example.org` ou `link:example.org/news/*`.
search-nothing = Rien dans le registre ne correspond à cette requête.
search-nothing-help = Cela renseigne sur ce qui a été recueilli, non sur ce qui a été publié. La page des sources indique qui observait, et quand.
hits-heading = Fiches trouvées
pager = Pages de résultats
pager-first = Revenir aux plus récentes
pager-next = Fiches plus anciennes
help-title-short = Comment formuler une requête
help-intro = Les mots qui se suivent doivent tous être présents. Les majuscules et les accents ne comptent pas.
help-phrase = ces mots, côte à côte
help-prefix = mots qui commencent ainsi
help-or = l’un ou l’autre
help-not = le premier, sans le second
help-title = dans le titre seulement
help-source = recueilli en vertu de cette inscription
help-lang = déclaré dans cette langue
help-time = à partir d’un jour, jusqu’à un mois
help-seen = vu pour la première fois ces sept derniers jours
help-link = renvoie à cet hôte ou s’y trouve
help-is = connu en plusieurs versions; aussi is:gone et is:vanished
facets = Préciser la recherche
facet-source = Source
facet-language = Langue déclarée
facet-platform = Plateforme
facet-kind = Nature
facet-chosen = Choisi; retirer :
facet-more = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
  }
timeline-by-day = Fiches par jour
timeline-by-month = Fiches par mois
timeline-by-year = Fiches par année
timeline-highest = Barre la plus haute : { $what }
timeline-count = { $count ->
    [0] aucune fiche
    [one] { $count } fiche
   *[other] { $count } fiches
  }
timeline-looked = toutes les sources ont été observées
timeline-gaps = des observations ont échoué ou manquent
timeline-none = personne n’observait
timeline-more = Couverture par source
timeline-table = Les mêmes données en tableau
column-when = Quand
column-records = Fiches
column-coverage = Couverture
column-new = Nouvelles
column-requests = Requêtes
column-refused = Refusées
column-failed = Échouées
column-by = Par
column-what = Quoi
column-why = Motif
column-source = Source
column-who = Qui
column-until = En vigueur jusqu’au
time-claimed = (selon la source)
time-ours = (vu pour la première fois par nous)
mark-revised = modifié
mark-gone = retiré par la source
mark-vanished = n’est plus répertorié par la source
mark-claim-by = affirmation vue par l’intermédiaire de { $what }
kind-post = publication
kind-comment = commentaire
kind-article = article
kind-page = page
kind-video = vidéo
kind-audio = enregistrement sonore
kind-account = compte
kind-ad = publicité
kind-registration = inscription à un registre
kind-event = événement

## Fiche
record-title = Fiche
record-untitled = { $kind } – { $who }
record-facts = Renseignements
record-no-text = La source n’a donné aucun texte.
record-erased = Cette fiche a été effacée légalement. Ce qui reste montre qu’elle a existé et qui l’a fait effacer.
record-erased-title = Fiche { $what } : effacée
mark-revised-count = { $count ->
    [one] { $count } version
   *[other] { $count } versions
  }
mark-earlier = version antérieure
mark-late = recueilli avant que l’agent puisse savoir que l’autorisation avait été restreinte
fact-kind = Nature
fact-author = Auteur, tel qu’affiché
fact-address = Adresse
fact-published = Publication
fact-edited = Modification
fact-language = Langue déclarée
fact-place = Lieu
fact-first = Vu par nous pour la première fois
fact-last = Vu par nous pour la dernière fois
fact-source = Source
fact-platform = Plateforme
fact-id = Identifiant
fact-vantage = Vu par l’intermédiaire de
fact-hash = Empreinte du contenu (SHA-256)
claimed = { $what } (selon la source)
claimed-no-instant = « { $what } » (mots de la source; ils ne fixent aucun instant)
declared = { $what } (déclarée par la source)
list-links = Liens
list-media = Médias (en lien, non copiés)
list-mentions = Comptes nommés
list-tags = Étiquettes
list-relations = Relations
list-extra = Autres renseignements
relation-reply = réponse à
relation-repost = reprise de
relation-quote = cite
relation-translation = traduction de
history = Historique
revision-number = Version { $count }
revision-withdrawn = Retrait
vanished-heading = N’est plus répertorié
vanished-lead = La source publie sa liste en entier. Elle n’a pas indiqué qu’il s’agissait d’un retrait, ni pourquoi l’élément manque; nous avons comparé des listes complètes.
vanished = Absent de « { $what } » : répertorié pour la dernière fois le { $stood }, ne figure dans aucune des deux listes complètes du { $before } et du { $at }.
vanished-unreadable = { $count ->
    [one] { $count } ligne de la liste la plus récente n’a pu être lue; il pourrait s’agir de cet élément.
   *[other] { $count } lignes de la liste la plus récente n’ont pu être lues; cet élément pourrait en faire partie.
  }
vanished-back = De nouveau répertorié le { $what }.
revision-current = affichée par la source lors de la dernière observation
cause-first = telle que nous l’avons d’abord vue
cause-source = modifiée par la source
cause-reader = lue par une autre version de notre programme
cause-late = connue après une version ultérieure
first-seen = vue pour la première fois le { $what }
last-seen = vue pour la dernière fois le { $what }
sightings = { $count ->
    [one] vue { $count } fois
   *[other] vue { $count } fois
  }
sightings-of = { $count ->
    [one] { $count } observation de cette version
   *[other] { $count } observations de cette version
  }
removed = Retiré :
added = Ajouté :
field-title = Titre
field-text = Texte
field-author = Auteur
field-url = Adresse
field-published-at = Publication
field-edited-at = Modification
field-language = Langue déclarée
field-links = Liens
field-media = Médias
field-mentions = Comptes nommés
field-tags = Étiquettes
field-relations = Relations
field-place = Lieu
field-kind = Nature
field-extra = Autres renseignements
field-ad = Publicité
field-registration = Inscription

## Chaîne de possession
custody = Chaîne de possession
custody-lead = Cinq questions qu’un examinateur poserait au sujet de cette fiche. Les réponses viennent d’être calculées à partir des éléments de preuve conservés et du journal; elles ne sont pas tirées d’une table.
custody-none = La chaîne de possession n’a pas pu être établie.
custody-allowed = Qui en a approuvé la collecte, et pourquoi?
custody-robots = Que disait robots.txt?
custody-bytes = Qu’a-t-on obtenu, octet pour octet?
custody-reader = Quel programme a produit la fiche?
custody-changed = Quelque chose a-t-il été modifié ou retiré depuis?
custody-limits = Ce que cela ne peut pas prouver
custody-decision-gone = La décision n’est pas disponible : elle a été effacée.
verdict-valid = Vérifié
verdict-valid-means = Chaque étape a été recalculée et tient.
verdict-erased = Vérifié, en partie effacé légalement
verdict-erased-means = Un élément a été détruit par un acte signé que le journal nomme. Ce qui reste est inchangé.
verdict-incomplete = Incomplet
verdict-incomplete-means = Ce qui est ici est inchangé, mais il manque un élément nécessaire.
verdict-diverged = Contradiction
verdict-diverged-means = Le journal contredit un point de contrôle qui avait été retenu.
verdict-invalid = Ne tient pas
verdict-invalid-means = Au moins une étape ne tient pas. Ne vous fiez pas à cette fiche.
verdict-as-of = À la taille { $size } du journal.
verdict-as-of-time = À la taille { $size } du journal; feuille la plus récente du { $time }.
finding-wrong = Erroné :
finding-diverged = Contradiction :
finding-missing = Manquant :
finding-erased = Effacé légalement :
finding-note = À savoir :
allowed-by = { $who } a approuvé l’inscription { $entry } que { $asked } avait demandée. Elle est en vigueur jusqu’au { $until }.
allowed-by-nobody = Personne dont la signature compte ne l’avait approuvé.
allowed-because = Motif consigné au moment des faits (en anglais)
allowed-again = Nouveau calcul
allowed-again-yes = À partir des déclarations signées, la décision est la même.
allowed-again-no = À partir des déclarations signées, la décision n’est pas la même; voir les constats.
allowed-approval = Approbation
allowed-approval-is = Signée le { $signed }; compte jusqu’au { $until }. { $leaf }
allowed-leaf = Feuille { $count } du journal.
allowed-issue = Politique entre les mains de l’agent, délivrée
robots-allows = Le fichier robots.txt de { $what } permet cette adresse.
robots-forbids = Le fichier robots.txt de { $what } interdit cette adresse.
robots-not-asked = Le fichier robots.txt ne s’appliquait pas.
robots-unknown = La copie de robots.txt n’est pas disponible; la réponse repose donc sur la parole de l’agent.
robots-why = Motif
robots-no-line = Aucune de ses lignes ne porte sur cette adresse.
robots-absent = Il n’y a pas de fichier robots.txt, ce qui permet tout (RFC 9309, section 2.3.1.3).
robots-refused = Le site a refusé de le montrer, ce qui interdit tout ici.
robots-unreachable = Il n’a pas pu être lu, ce qui interdit tout (RFC 9309, section 2.3.1.4).
robots-rule = Ligne déterminante
robots-line = Numéro de ligne
robots-group = Groupe
robots-of = Règles de
robots-fetched = Obtenu
robots-copy = Copie
robots-copy-is = { $size }, conservée comme unité { $unit }
robots-download = Télécharger la copie de robots.txt
sha256 = SHA-256
bytes-none = Rien n’a été obtenu, ou l’échange n’est pas disponible.
bytes-are = { $size } venant de { $url }, reçus le { $time } et conservés tels quels.
bytes-download = Télécharger ces octets
bytes-download-answer = La réponse entière, avec son en-tête
bytes-not-here = Reçu le { $time }. Les octets eux-mêmes ne sont pas disponibles; les remarques disent pourquoi.
bytes-sealed = Conservé chiffré. { $what } : chacune de ces personnes peut l’ouvrir seule; nul autre ne le peut.
bytes-sealed-to = Qui peut l’ouvrir
bytes-sealed-not = Qui ne le peut pas
bytes-sealed-nobody = toute autre personne : le registre et ses administrateurs, l’agent qui a fait la collecte, quiconque détient ce compte rendu
bytes-request = Requête
bytes-captured = Capture
bytes-captured-is = { $time }, selon l’horloge de l’agent; durée de { $ms } ms
bytes-status = Réponse
bytes-peer = Hôte distant
bytes-certificate = Certificat (SHA-256)
bytes-no-certificate = aucun : la connexion n’était pas chiffrée
bytes-body = Corps (SHA-256)
bytes-remark = Remarque
bytes-units = Conservation
bytes-units-are = requête : unité { $request }; réponse : unité { $response }
bytes-file = Dans le fichier
reader-is = { $what } l’a tirée de ces octets. Le même programme, sur les mêmes octets, donne la même fiche.
reader-none = Aucune lecture : ceci n’est pas une fiche.
reader-unknown = Le compte rendu du passage n’est pas disponible; le programme n’est donc pas connu.
reader-program = Programme (SHA-256)
reader-place = Endroit dans la réponse
reader-again = Pour la dériver de nouveau
changed-valid = Rien n’a été modifié ni retiré. Chaque étape a été recalculée et tient.
changed-erased = Un élément a été effacé légalement. Ce qui reste est inchangé.
changed-incomplete = Ce qui est ici est inchangé, mais tout ce qui est nécessaire n’est pas ici.
changed-diverged = Le journal contredit un point de contrôle qui avait été retenu.
changed-invalid = Quelque chose ne tient pas. Ne vous fiez pas à cette fiche.
proof-unit = Place
proof-unit-is = unité { $unit } sur { $units } dans son segment
proof-commitment = Engagement de l’unité
proof-root = Racine du segment
proof-manifest = Manifeste
proof-signed = Signature
proof-signed-is = { $agent }, numéro { $seq } de sa chaîne
proof-after = Commencé après
proof-after-is = { $count ->
    [0] l’agent n’avait encore vu aucun point de contrôle
    [one] le journal comptait { $count } feuille
   *[other] le journal comptait { $count } feuilles
  }
proof-leaf = Dans le journal
proof-leaf-is = feuille { $count }
proof-checkpoint = Point de contrôle
proof-checkpoint-is = { $count ->
    [one] { $count } feuille, signée par le journal
   *[other] { $count } feuilles, signées par le journal
  }
proof-log-root = Racine du journal
proof-later = Depuis
proof-later-is = { $count ->
    [one] le journal s’est étendu à { $count } feuille sans en modifier aucune
   *[other] le journal s’est étendu à { $count } feuilles sans en modifier aucune
  }
limit-trial = Quoi que ce soit sur le monde. Ceci est un essai : le programme a créé lui-même, sur une seule machine, les clés du journal et de toutes les personnes, et seules les adresses de cette machine pouvaient être interrogées.
limit-source = Que la source a vraiment dit cela. Le journal prouve ce que { $agent } a déclaré, en vertu de quelle autorisation, et que rien n’a changé depuis. Quiconque avait la maîtrise de cette machine, de son programme ou de sa clé aurait pu déclarer autre chose; l’hôte distant, le certificat et l’état de la réponse reposent sur sa parole. Une seconde capture par un autre agent, ou une copie archivée ailleurs, peut corroborer celle-ci.
limit-time = L’heure à la seconde près. Les heures de capture sont celles de l’horloge de { $agent }, les heures des feuilles celles du registre. { $order }
limit-order = Ce que le journal prouve, c’est l’ordre : le segment a été commencé alors que le journal comptait { $size } feuilles, et il en est devenu la feuille { $leaf }.
limit-whole = Que rien n’a été omis. Un dossier de preuve montre ce qu’il contient : ni ce qui a été recueilli par ailleurs, ni l’absence, dans le journal, d’une autorisation plus étroite ou d’une révocation que son auteur n’aurait pas jointe. `vigie-verify`, sur une copie de tout le dossier de données, montre l’un et l’autre.
limit-meaning = Que la fiche dit ce que la source voulait dire. C’est ce qu’un programme a lu dans les octets; ceux-ci sont dans le dossier de preuve, sauf s’ils ont été effacés, et le même programme redonne la même fiche.
limit-second = Qu’il n’existe pas de second historique. Si le détenteur de la clé du journal et tous les signataires s’entendaient pour tromper, ils pourraient montrer un autre journal à d’autres. Un point de contrôle que vous gardez et que vous donnez avec `--against` la prochaine fois le révèle. { $witnesses }
limit-sealed = Que la fiche découle des octets. Ils sont chiffrés : leur contenu, et le fait qu’ils sont bien la requête et la réponse indiquées, seul un destinataire peut les montrer, en dérivant de nouveau la fiche avec `vigie rederive --identity`.
limit-an-agent = l’agent
limit-cosigned = Contresigné par { $what }.
limit-no-witness = Aucun témoin n’a contresigné ce point de contrôle.
prove-yourself = Ne nous croyez pas sur parole
prove-how = Téléchargez le dossier de preuve et vérifiez-le sur votre propre machine, sans réseau et sans autre confiance que le fichier racine qui vous a été remis en main propre.
prove-download = Télécharger le dossier de preuve
prove-command = Commande à saisir
prove-root = La racine de confiance vient de ses gardiens, non de cette page. Les membres de l’unité peuvent aussi faire les deux en une fois :

## Sources
sources-title = Sources
sources-lead = Ce qui peut être recueilli, par la signature de qui, et jusqu’à quand. Ce qu’aucune inscription ne permet est refusé.
sources-none = Aucune liste d’autorisation n’a encore été publiée : rien n’est recueilli.
sources-none-help = Deux personnes signent avant toute collecte : l’une demande une source, une autre l’approuve.
sources-in-force = { $count ->
    [0] aucune en vigueur
    [one] { $count } en vigueur
   *[other] { $count } en vigueur
  }
sources-not-in-force = { $count ->
    [one] { $count } pas en vigueur
   *[other] { $count } pas en vigueur
  }
sources-soon = { $count ->
    [one] { $count } prend fin d’ici 30 jours
   *[other] { $count } prennent fin d’ici 30 jours
  }
ends-in = { $count ->
    [0] prend fin aujourd’hui
    [one] prend fin dans { $count } jour
   *[other] prend fin dans { $count } jours
  }
refusals = { $count ->
    [one] { $count } refus
   *[other] { $count } refus
  }
source-title = Source { $what }
source-last = Dernière observation
source-never = pas encore de nouvelles
source-items = Recueilli
source-denials = Refus liés à cette inscription
source-lead = { $asked } a demandé cette inscription et { $approved } l’a approuvée par signature. Elle prend fin le { $until }.
source-lead-nobody = { $asked } a demandé cette inscription. Personne dont la signature compte ne l’a approuvée; rien n’est donc recueilli. Elle prendrait fin le { $until }.
source-why-not = Rien n’est recueilli en vertu de cette inscription.
source-entry = L’inscription au complet
source-entry-lead = Voici les mots qui ont été signés. Un mot changé donne une autre empreinte, et demande de nouvelles signatures.
in-force = en vigueur
not-in-force = pas en vigueur
not-in-force-no-entry = La liste d’autorisation ne contient aucune inscription de ce nom.
not-in-force-unsigned = Aucun signataire de la liste d’autorisation n’y est habilité par la plus récente racine de confiance.
not-in-force-unenforced = Elle demande quelque chose que cette version ne fait pas respecter.
not-in-force-expired = Son dernier jour est passé.
not-in-force-not-approved = Trop peu de personnes autres que la demanderesse ou le demandeur l’ont signée telle qu’elle se lit.
not-in-force-approval-ended = Son approbation a pris fin.
not-in-force-too-long = Elle durerait plus de douze mois après son approbation.
coverage = Quelqu’un observait-il?
coverage-lead = Une lacune de notre part ne doit jamais passer pour un silence de la source. Chaque case retient le pire de ce qui s’est produit; les passages attendus et sans nouvelles comptent.
coverage-words = Les 24 dernières heures en mots
coverage-words-of = Le { $what } en mots
coverage-complete = observé, complet
coverage-empty = observé, la source dit qu’il n’y a rien
coverage-partial = observé, interrompu par une limite
coverage-rate-limited = ralenti par la source
coverage-not-heard-yet = attendu, sans nouvelles
coverage-not-attempted = attendu, n’a pas eu lieu
coverage-failed = échec
coverage-blocked = bloqué par la source
coverage-none = rien n’était attendu
coverage-future = à venir
coverage-unpermitted = pas d’autorisation alors
legend = Signification des cases
strip-day = Les 24 dernières heures, par demi-heure
strip-week = Sept jours, par heure
strip-day-of = Le { $what }, par demi-heure
strip-week-to = Sept jours jusqu’au { $what }, par heure
runs-note = { $count ->
    [one] Le passage le plus récent
   *[other] Les { $count } passages les plus récents, un à un
  }
group-why = Pourquoi
group-until = Qui, et jusqu’à quand
group-what = Quoi
group-how = Comment
group-notes = Notes pour les examinateurs
entry-purpose = Fins
entry-program = Programme
entry-question = Question à éclairer
entry-legal = Fondement juridique
entry-pia = Évaluation des facteurs relatifs à la vie privée
entry-other = Note
entry-seeds = Ce qui est demandé
entry-match = Ce qui peut être obtenu
entry-methods = Méthodes
entry-collector = Collecteur
entry-fields = Champs conservés
entry-fields-all = tous
entry-media = Médias
entry-media-link = adresses seulement; les images et les films ne sont pas obtenus
entry-authors = Auteurs
entry-authors-named = tels que la source les nomme
entry-authors-pseudonym = par pseudonyme
entry-authors-omit = omis
entry-evidence = Éléments de preuve
entry-evidence-open = conservés en clair
entry-evidence-sealed = conservés sous forme chiffrée
entry-domestic = Contenu d’origine nationale
entry-domestic-refuse = écarté
entry-domestic-quarantine = mis à part
entry-domestic-allow = conservé, pour ce motif : { $what }
entry-schedule = Calendrier
entry-rate = Cadence
entry-rate-is = { $count ->
    [0] aucune pause entre les requêtes (boucle locale seulement)
    [one] au moins { $count } seconde entre deux requêtes à un même hôte
   *[other] au moins { $count } secondes entre deux requêtes à un même hôte
  }
entry-daily = Maximum par jour
entry-daily-is = { $count ->
    [one] { $count } requête
   *[other] { $count } requêtes
  }
entry-body = Réponse la plus longue
entry-robots = robots.txt
entry-robots-obey = est respecté (RFC 9309)
entry-robots-api = ne s’applique pas, interface officielle : { $what }
entry-credential = Identifiants
entry-credential-is = { $what } : leur valeur reste chez l’agent et est biffée de tout ce qui est conservé
entry-missed = Passages manqués
entry-missed-skip = restent manqués, et la couverture l’indique
entry-missed-once = sont rattrapés par un seul passage
entry-expires = En vigueur jusqu’au
entry-retain = Durée de conservation
entry-tlp = Marquage
entry-requested = Demandée par
entry-approved = Approuvée par
entry-expect = Volume habituel
entry-digest = Empreinte signée
legal-ca-privacy-act-4 = Loi sur la protection des renseignements personnels (Canada), article 4
legal-eu-gdpr-6-1-e = RGPD, article 6, paragraphe 1, point e)
legal-eu-gdpr-89 = RGPD, article 89
legal-eu-dsa-40-12 = Règlement sur les services numériques, article 40, paragraphe 12
legal-no-personal-information = Aucun renseignement personnel
legal-trial = Essai

## Calendrier de couverture
calendar-title = Calendrier de couverture
calendar-lead = Qui observait, source par source et jour par jour. Une lacune de notre part ne doit jamais passer pour un silence de la source.
calendar-help = Chaque jour retient le pire de ce qui s’y est produit. Choisissez un jour pour en voir les passages.
calendar-turn = Semaines
calendar-earlier = Plus tôt
calendar-later = Plus tard
calendar-newest = les semaines les plus récentes
calendar-headline = Sans lacune pendant { $whole } des { $due } jours-sources où quelque chose était attendu.
calendar-days = Sans lacune
calendar-whole = { $whole } sur { $due }
calendar-gaps = Les jours avec lacune, en mots
calendar-gaps-lead = Les nombres comptent les passages. Ce qui n’est pas énuméré est sans lacune, ou rien n’y était attendu.

## Refus
denials-title = Refus
denials-lead = Ce qui n’a pas été obtenu, ou pas conservé, et pourquoi. Les refus sont aussi des éléments de preuve : ils montrent où les règles ont tenu.
denials-all = Tout afficher
denials-none = Rien n’a été refusé.
denials-none-help = Ou bien tout ce qui a été demandé était permis, ou bien rien n’a encore été demandé : le calendrier de couverture le dit.
denials-none-such = Rien n’a été refusé pour ce motif en vertu de cette inscription.
denials-count = { $count ->
    [0] Aucun refus
    [one] { $count } refus
   *[other] { $count } refus
  }
denials-times = { $count ->
    [one] { $count } fois
   *[other] { $count } fois
  }
denials-last = la dernière fois le { $what }
denials-by-reason = Motif
denials-any-reason = tous les motifs
denials-by-source = Source
denials-any-source = toutes les sources
denials-todo = Ce qu’une personne peut faire :
denials-where = En vertu de
denials-words = Motif consigné au moment des faits (en anglais)
denials-evidence = Preuve à télécharger
denials-more = { $count ->
    [one] Le seul de ce motif
   *[other] Les { $count } de ce motif
  }
denials-cut = Seuls les 200 plus récents sont affichés.
denied-by-agent = agent : rien n’a été envoyé
denied-by-registry = registre : pas conservé
code-permitted = permis
code-method = méthode non permise
code-header = en-tête réservé à la trousse
code-address = adresse qui ne peut pas être obtenue
code-unplanned = ni prévu, ni issu de ce qui l’était
code-no-entry = aucune inscription de ce nom
code-not-in-force = inscription qui n’est pas en vigueur
code-other-collector = inscription d’un autre collecteur
code-no-match = hors de ce que l’inscription permet
code-robots-missing = pas encore de copie de robots.txt
code-robots-stale = copie de robots.txt trop ancienne
code-robots = interdit par robots.txt
code-robots-unreachable = fichier robots.txt inaccessible
code-budget = limite du jour atteinte
code-credential = identifiants d’une autre inscription
code-unresolved = le nom n’a pas d’adresse
code-destination = destination qui n’est pas publique
code-person = personne nommée, et les auteurs ne le sont pas
code-redirects = trop de redirections
code-not-permitted = pas permis à ce moment
code-broken = ne se tient pas
code-revoked = clé de l’agent révoquée
code-fork = deux segments de même numéro
code-clock = heures hors du possible
code-unknown-policy = politique absente du journal
code-too-large = trop volumineux
means-method = L’inscription ne permet pas ce type de requête.
todo-method = Si la source ne peut être lue qu’ainsi, demandez une inscription qui nomme la méthode; sinon, avisez l’auteur du collecteur.
means-header = Le collecteur a choisi un en-tête qui ne lui revient pas.
todo-header = Avisez l’auteur du collecteur. Aucune autorisation n’y change rien.
means-address = L’adresse n’a aucune forme qui puisse être obtenue.
todo-address = Regardez d’où vient l’adresse : la source l’a peut-être publiée abîmée.
means-unplanned = La requête n’était pas prévue et ne découle d’aucune réponse conservée.
todo-unplanned = Avisez l’auteur du collecteur. Aucune autorisation n’y change rien.
means-no-entry = La liste d’autorisation ne contient aucune inscription de ce nom.
todo-no-entry = Si la collecte devait prendre fin, rien. Sinon, redemandez l’inscription et faites-la approuver par une autre personne.
means-not-in-force = L’inscription n’est pas signée, a pris fin ou a été remplacée.
todo-not-in-force = Lisez sur la page de la source ce qui manque; une seconde personne peut approuver ou renouveler l’inscription.
means-other-collector = L’inscription a été signée pour un autre collecteur.
todo-other-collector = Corrigez les réglages de l’agent, ou demandez une inscription pour ce collecteur.
means-no-match = L’adresse est hors de ce que l’inscription permet, souvent après une redirection.
todo-no-match = Regardez où mène la source. Si elle a déménagé pour de bon, demandez une inscription avec le nouvel hôte; sinon, laissez le refus.
means-robots-missing = Le fichier robots.txt n’avait pas encore été obtenu, et rien n’est obtenu avant lui.
todo-robots-missing = En général, rien : le prochain passage le demande d’abord. Si cela persiste, consultez les messages de l’agent.
means-robots-stale = La copie de robots.txt datait de plus de 24 heures.
todo-robots-stale = En général, rien : le prochain passage l’obtient de nouveau. Si cela persiste, vérifiez l’horloge de l’agent.
means-robots = Le fichier robots.txt du site interdit cette adresse, ou le site refuse de le montrer.
todo-robots = Laissez le refus : robots.txt est respecté. Si le site offre une interface officielle avec ses propres conditions, une autre inscription peut la demander.
means-robots-unreachable = Le fichier robots.txt n’a pas pu être lu, ce qui interdit tout (RFC 9309, section 2.3.1.4).
todo-robots-unreachable = Attendez : il est redemandé. Si le site reste ainsi pendant des jours, écrivez à son propriétaire.
means-budget = Les requêtes de l’inscription pour ce jour (UTC) étaient épuisées.
todo-budget = Voyez si la source publie plus que prévu; demandez alors une limite plus haute ou un calendrier plus lent.
means-credential = Les identifiants appartiennent à une autre inscription, ou aucun n’est nommé.
todo-credential = Comparez les réglages de l’agent avec l’inscription.
means-person = La requête nomme une personne, et l’inscription veut des pseudonymes ou des auteurs omis.
todo-person = Avisez l’auteur du collecteur. Pour lire un seul compte, il faut une inscription qui permette d’en nommer l’auteur.
means-unresolved = Le nom de l’hôte ne mène à aucune adresse.
todo-unresolved = Vérifiez que le nom est bien écrit et qu’il existe encore.
means-destination = Le nom mène à une adresse privée ou locale, qu’un agent n’interroge jamais.
todo-destination = Prenez-le comme un avertissement : la source tente peut-être d’atteindre l’intérieur. Avisez les responsables du réseau.
means-redirects = Plus de redirections que les cinq qui sont suivies.
todo-redirects = Ouvrez la source vous-même : elle fait peut-être tourner les programmes en rond.
means-not-permitted = D’après ce qui était en vigueur à ce moment, le registre n’a pas trouvé la capture permise.
todo-not-permitted = Comparez le programme de l’agent à une version publiée : il a jugé autrement que le registre.
means-broken = Les octets, la signature ou l’arbre du segment ne se tiennent pas.
todo-broken = Examinez le disque de l’agent et son programme.
means-revoked = La clé de l’agent avait été révoquée avant l’arrivée du segment.
todo-revoked = Cherchez qui fait encore tourner un agent avec cette clé.
means-fork = Un autre segment de ce numéro figure déjà au journal : deux machines emploient une même clé, ou l’une a été ramenée en arrière.
todo-fork = Arrêtez les deux machines, trouvez la vraie, et inscrivez une nouvelle clé.
means-clock = Des heures du segment sont hors de ce que les horloges et les points de contrôle permettent.
todo-clock = Réglez l’horloge de l’agent et faites-la synchroniser.
means-unknown-policy = Le segment nomme une politique ou une racine de confiance que le journal ne contient pas.
todo-unknown-policy = Voyez quel registre l’agent interroge, et quel fichier racine lui a été remis.
means-too-large = Le segment dépasse la taille permise.
todo-too-large = Avisez l’auteur de l’agent.

## Agents
agents-title = Agents
agents-lead = Les programmes qui recueillent. Chacun signe ce qu’il remet, en une chaîne ininterrompue.
agents-none = Aucun agent n’a encore été inscrit.
agent-enrolled = inscrit
agent-revoked = révoqué
agent-unknown = inconnu
agent-segments = Remis
agent-never = pas encore de nouvelles
agent-chain = Chaîne
agent-chain-whole = sans lacune ni bifurcation
agent-chain-broken = demande l’attention d’une personne
agent-key = Clé
agent-gap = { $count ->
    [one] Lacune dans la chaîne : le segment { $from } ne figure pas au journal, de plus récents oui.
   *[other] Lacune dans la chaîne : les segments { $from } à { $to } ne figurent pas au journal, de plus récents oui.
  }
agent-refused = Les segments { $from } à { $to } ne figurent pas au journal, de plus récents oui : le segment { $to } a été refusé en entier, à la feuille { $leaf }, et la feuille { $others } a pu refuser les autres. Un refus ne nomme ni agent ni numéro.
agent-fork = Bifurcation dans la chaîne : le segment { $count } nomme un autre prédécesseur que celui du journal.
agent-fork-refused = Le segment { $segment } a été refusé à la feuille { $leaf } : son numéro était pris. Deux machines emploient une même clé, ou un agent a été ramené en arrière.
agent-heard = Dernières nouvelles
agent-clock = Horloge
agent-clock-fits = concorde avec celle du registre
agent-clock-ahead = en avance de { $what } sur celle du registre
agent-clock-loose = non synchronisée, selon l’agent
agent-clock-help = Faites-la synchroniser : les segments venus de l’avenir sont refusés.
agent-queue = En chemin
agent-queue-is = le plus récent segment est arrivé { $what } après sa fermeture
agent-frontier = { $count ->
    [0] Aucune requête ne restait à faire.
    [one] { $count } requête restait à faire.
   *[other] { $count } requêtes restaient à faire.
  }
agent-policy = Politique entre ses mains
agent-policy-is = vieille de { $what } au début du plus récent passage
agent-policy-at = Délivrée le { $what }.
agent-reader = Collecteur
agent-program = Programme (SHA-256)

## Ouverture de session
sign-in-title = Ouvrir une session
sign-in-lead = Ce registre n’est pas ouvert à tous. Ce que vous lisez est consigné avec les fins que vous indiquez.
sign-in-token = Jeton
sign-in-purpose = Fins
sign-in-purpose-help = Pourquoi vous lisez, en quelques mots : un numéro de dossier, une question, un examen.
sign-in-button = Ouvrir une session
sign-in-no-purpose = Il faut indiquer à quelles fins.
sign-in-wrong-token = Ce jeton n’ouvre rien ici. Il a peut-être pris fin; un administrateur en crée un autre.

## Problèmes
error-400 = Demande non comprise
error-400-help = L’adresse demande quelque chose d’une façon que ce registre ne connaît pas. Rien n’a été deviné.
error-401 = Ouvrez d’abord une session
error-401-help = Cette page s’adresse aux personnes qui ont un jeton.
error-403 = Non permis
error-403-help = Votre rôle ne le permet pas.
error-404 = Introuvable
error-404-help = Cette page ou cette fiche n’existe pas.
error-405 = Impossible ici
error-405-help = Cette page ne peut pas être utilisée ainsi.
error-410 = Effacé
error-410-help = Ceci a été effacé légalement.
error-500 = Échec
error-500-help = L’erreur vient de nous. Citez l’identifiant ci-dessous pour la signaler.
error-503 = Pas pour l’instant
error-503-help = Le registre ne peut pas répondre en ce moment. Réessayez sous peu.
error-param-unknown = `{ $name }` n’est pas connu; sont connus `{ $known }`.
error-param-twice = `{ $name }` est donné deux fois.
error-param-lang = `lang={ $value }` n’est pas connu; sont connus `en`, `fr`.
error-param-day = `{ $name }={ $value }` n’est pas un jour : écrivez-le comme `2026-11-21`.
error-no-page = `{ $what }` n’est pas une page de ce registre.
error-no-file = Il n’y a pas de fichier `{ $what }`.
error-no-record = Il n’y a pas de fiche `{ $what }`. Elle a peut-être été effacée.
error-record-id = `{ $what }` n’identifie pas une fiche : ce sont deux nombres, comme `17.42`.
error-no-source = Il n’y a pas de source `{ $what }` dans la liste d’autorisation actuelle.
error-code = Code :
error-back = Vers la recherche
