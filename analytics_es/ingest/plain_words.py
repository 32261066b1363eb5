"""Words of enumerations, none of which is a usual name of a person: what a status, a kind, a region is called."""

from __future__ import annotations

# Outcomes, states, levels, kinds.
_STATES = """
    ok okay yes no true false null none nil nan na unknown other others default auto automatic manual custom any all
    success successful succeeded succeed failure failed fail error errors errored warning warn info debug trace fatal
    critical notice verbose severe pass passed skip skipped pending queued running started starting start stop stopped
    stopping finished finish done complete completed incomplete cancelled canceled aborted timeout timed out expired
    active inactive enabled disabled enable disable open opened closed close resolved unresolved reopened blocked
    unblocked approved rejected denied declined accepted accept deny allow allowed forbidden unauthorized
    authenticated
    anonymous pseudonymous full partial empty new created updated deleted removed archived draft published scheduled
    retry retried retrying resumed paused suspended terminated killed crashed exited idle busy ready waiting blocked
    processing processed progress in not found exists conflict gone bad invalid valid verified unverified validated
    unavailable available healthy unhealthy degraded up down online offline connected disconnected loaded unloaded
    hit miss cached fresh stale dirty clean locked unlocked shared exclusive public private internal external
    protected
    high medium low normal minimal maximal urgent emergency highest lowest mid middle large small tiny big huge
    xl xs xxl
    xsmall xlarge micro nano mini short long fast slow quick deep shallow hard soft easy simple complex basic advanced
    standard premium pro plus enterprise business starter free paid trial gold silver bronze platinum diamond
    team teams
    personal individual professional ultimate essential growth scale hobby developer community
    first second third last next previous current latest oldest newest initial final intermediate both single multiple
    one two three four five six seven eight nine ten zero once twice never always often rarely sometimes daily weekly
    monthly yearly hourly quarterly annual nightly spot reserved demand on off once left right top bottom center
    centre
    positive negative neutral mixed good better best worse worst poor fair excellent great average great up down
    shipped paid unpaid overdue exponential linear constant accuracy precision recall f1 violence hate harassment
    dark light theme warmup cooldown setup teardown
    red green blue yellow orange purple black white gray grey brown pink cyan magenta teal lime navy
    a b c d e f g h i j k l m n o p q r s t u v w x y z control treatment variant baseline candidate challenger
    holdout
    male female diverse monday tuesday wednesday thursday friday saturday sunday weekday weekend
    exceeded deadline limit limited rate rated quota throttled overloaded refused refusal filtered filter
    content length
    reached exhausted interrupted dropped lost sent delivered received read unread bounced opened clicked converted
    increase decrease increased decreased same equal different changed unchanged added moved renamed modified merged
    resource exhausted cancelled argument precondition outofrange unimplemented dataloss unset undefined unspecified
"""
# Who does what, and with what, on a platform.
_THINGS = """
    user users system assistant tool tools function functions agent agents developer model models human bot ai llm
    machine service client server worker workers node host device admin member guest owner editor viewer operator
    reviewer approver root moderator support customer sales marketing engineering finance legal hr it ops security
    chat text completion completions embedding embeddings rerank reranker retriever retrieval generation generate
    generated execute executed execution invoke invoked create edit update delete get list search query fetch put post
    patch head options connect insert select upsert merge replace drop alter begin commit rollback call calls called
    image images audio video speech voice document documents file files code data table chart json xml yaml yml
    toml csv
    tsv html css markdown md pdf txt png jpg jpeg gif webp svg mp3 mp4 wav ogg flac webm parquet avro protobuf arrow
    zip gzip gz br zstd identity base64 utf ascii latin binary object array string str number integer int float double
    boolean bool date datetime timestamp time bytes byte blob map struct enum union bigint decimal numeric varchar
    http https ws wss grpc tcp udp tls ssl ip ipv4 ipv6 unix pipe rest graphql soap rpc mqtt amqp smtp imap ftp
    sftp ssh
    kafka rabbitmq nats redis pulsar sqs sns kinesis eventhub pubsub servicebus celery jms activemq
    postgres postgresql mysql mariadb sqlite mssql oracle mongodb cassandra elasticsearch opensearch dynamodb bigquery
    snowflake duckdb clickhouse pinecone qdrant weaviate chroma milvus pgvector faiss neo4j databricks redshift
    cosmosdb
    linux windows darwin macos android ios ipados web mobile desktop tablet tv watch iot server edge cloud browser
    chrome firefox safari opera mozilla webkit electron vscode jetbrains terminal cli sdk api gui ui ux repl notebook
    python java javascript typescript go golang rust ruby php swift kotlin scala csharp dotnet cpp c nodejs node deno
    bun perl lua haskell elixir erlang dart r sql bash sh zsh powershell shell cpython pypy jvm v8 graalvm
    amd64 x86 x64 arm arm64 aarch64 i386 cpu gpu tpu npu cuda rocm metal
    openai anthropic google azure aws gcp ibm oracle nvidia microsoft amazon meta facebook cohere mistral
    mistralai groq
    deepseek perplexity together fireworks replicate huggingface ollama vllm openrouter xai bedrock vertex vertexai
    sagemaker watsonx databricks anyscale cerebras sambanova ai21 moonshot zhipu alibaba dashscope baidu tencent
    langchain langgraph langsmith langfuse llamaindex haystack crewai autogen semantickernel dspy litellm helicone
    portkey traceloop openllmetry openinference arize phoenix mlflow wandb weave logfire pydantic vercel opentelemetry
    otel jaeger zipkin prometheus datadog newrelic honeycomb sentry grafana mcp a2a acp github gitlab bitbucket jira
    slack discord telegram whatsapp email sms push webhook phone inbound outbound internal incoming outgoing
    gpt o1 o3 o4 gemini llama llama2 llama3 phi qwen mixtral codestral deepseek embedding ada002 davinci turbo
    whisper dalle sora titan nova command jamba grok kimi glm flash haiku opus sonnet instruct preview experimental
    realtime transcribe tts vision multimodal thinking reasoning lite ultra nemotron granite codex omni
    prod production staging stage dev development test testing qa uat sandbox local canary beta alpha rc stable
    release
    prerelease snapshot nightly main master trunk develop feature hotfix bugfix green
    chain workflow pipeline task job step span trace session thread conversation request response message event run
    batch stream streaming sync async background foreground interactive parallel sequential loop branch router planner
    evaluator guardrail guardrails parser prompt prompts memory cache index vector hybrid keyword semantic dense
    sparse
    producer consumer process publish receive settle deliver
    parent child root leaf input output inputs outputs source target sink origin destination read write readwrite
    bearer oauth oauth2 saml ldap oidc jwt apikey hmac sso mfa bcrypt sha256 sha512 md5 aes rsa oneway
    json_schema jsonl ndjson text plain application form multipart encoded urlencoded
    usd eur gbp jpy chf cny inr cad aud nzd sek nok dkk pln czk huf brl mxn krw sgd hkd zar try rub ils aed sar thb
    utc gmt cet cest est edt cst cdt pst pdt mst mdt ist jst kst bst
    en de fr es it pt nl sv da fi pl cs sk hu ro bg el tr ru uk ar he hi bn ja zh ko vi th id ms fa ur ta te
    english german french spanish italian portuguese dutch chinese japanese korean arabic russian hindi
    us eu uk eea apac emea latam amer na sa ap me af ca au uksouth ukwest
    north south east west northeast northwest southeast southwest central eastus westus eastus2 westus2 westus3
    northeurope westeurope centralus southcentralus japaneast japanwest koreacentral australiaeast brazilsouth
    swedencentral francecentral germanywestcentral switzerlandnorth canadacentral europe asia america africa australia
    global regional zonal multi zone region
    get post put delete patch head options trace connect
    yes y n t f hd sd uhd fhd square portrait landscape
    kb mb gb tb ms s m h d day days hour hours minute minutes second seconds week weeks month months year years ago
    token tokens cost price amount total count sum avg mean min p50 p90 p95 p99 rate ratio percent score level
    credit debit cash card transfer invoice payment refund charge subscription order orders checkout cart shipping
    bug incident problem change story epic subtask spike chore question feedback complaint billing account login
    signup onboarding summary summarize summarise summarization translate translation classify classification extract
    extraction moderation detection recognition transcription analysis review reviews report reporting monitoring
    import export upload download sync backup restore migrate migration deploy deployment build rebuild lint format
    compile publish promote train training finetune fine tune tuning eval evaluation inference predict prediction
    autocomplete suggest suggestion recommend recommendation autofill paste typing click view page screen button link
    menu form dialog modal tab sidebar header footer home settings profile dashboard about contact help
    dir directory folder path url uri domain port socket queue topic partition offset bucket key value
    cluster namespace pod container app apps core platform infra infrastructure backend frontend fullstack mobile
    primary secondary tertiary replica standby leader follower main side
    exception timeout error connection reset refused runtime value type key index assertion attribute permission
    syntax
    import memory recursion lookup arithmetic overflow zero division name not implemented io os eof json decode
    validation
    integrity operational programming interface database bad gateway unprocessable entity too many requests payload
    large media unsupported teapot moved permanently found see temporary redirect unauthorized required precondition
    eligible ineligible billable nonbillable included excluded inclusive exclusive optional required mandatory
    end turn stop_sequence max_tokens eos max end_turn length safety recitation blocklist prohibited spii malformed
    cancelled abort aborted tool_use pause continue continued
    flex scale priority provisioned throughput committed dedicated serverless
    context insufficient sequence part above err gov harm econnreset fp8
    hierarchical sequential gen formats notifications resources sampling roots initialize initialized for
    talk event events evt item items entry entries record records row rows column columns field fields
    version build number id ids uuid name names kind mode status state class category tag tags label labels
    group groups
    project projects product products plan plans tier tiers segment experiment campaign variant
    external retry fallback circuit breaker half healthcheck heartbeat ping pong probe liveness readiness startup
    cron timer trigger triggered schedule webhook hook hooks signal signals
    sample sampled unsampled random greedy beam nucleus temperature deterministic
    tls1 http1 http2 http3 h2 h3 quic spdy
"""
_RETURNS = """
    stop_sequence content_filter tool_calls function_call recitation safety other
"""

# Words of enumerations only beside others: alone they are names of people, or may be.
COMPANIONS = frozenset(
    """
    claude max dev pat ray dean may june april sky storm reed chase
    """.split()  # noqa: SIM905
)
WORDS = frozenset(f"{_STATES} {_THINGS} {_RETURNS}".split()) - COMPANIONS
# Words that are names of people, too, where they begin with a capital.
SURNAMES = frozenset(
    """
    ruby nova phoenix sora dart brown black white gray grey green gold silver purple violet short small long best west
    north east page story major good winter summer day king young price weeks banks fields bush church read nan star
    rose north little hardy large rich moody sharp sage power powers fast
    """.split()  # noqa: SIM905
)
# Words of enumerations that are of what is said, where there are spaces between them.
SPOKEN = frozenset(("me", "it", "he", "hi", "us", "my", "your", "i", "a", "for"))
# Letters before or after a number.
NUMBERED = frozenset(
    """
    gpt v h a b t p m r c k x e q mb gb kb ms px bit nd rd th st rc xx us eu ab exp cc ds id no nr pt top llama phi
    qwen claude text tts glm deepseek mistral mixtral sha md ipv utf iso base
    """.split()  # noqa: SIM905
)
UNITS = (
    *("ns", "us", "µs", "ms", "s", "sec", "m", "min", "h", "hrs?", "d", "w", "k", "kb", "KB", "KiB", "mb", "MB", "MiB"),
    *("gb", "GB", "GiB", "TB", "b", "B", "K", "M", "px", "pt", "em", "rem", "%", "x", "rpm", "tpm", "rps", "Hz", "kHz"),
    *("bit", "bits", "°C", "km", "cm", "mm", "kg", "g", "eur", "EUR", "usd", "USD", "tokens?"),
)
# How ids begin that are made up by a machine.
ID_PREFIXES = frozenset(
    """
    chatcmpl cmpl msg resp req run call toolu tool thread asst gen trace span file batch evt event job task step
    fc rs ws item conv sess session talk chat order invoice ticket issue build deploy release trans txn ch pi in
    cus sub prod price pm org proj team ds vs ft ftjob pmpt eval node pod worker agent crew flow wf exec
    execution q row page doc aitxt aiobj aimsg obj srvtoolu chatcompl embd cohere sb dp log ref
    """.split()  # noqa: SIM905
)
# How keys and tokens begin.
KEY_PREFIXES = (
    *("sk-", "sk_", "pk-", "pk_", "rk_", "rk-", "ak-", "ak_", "whsec_", "AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"),
    *("AIza", "ya29.", "GOCSPX-", "1//0", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-"),
    *("glrt-", "glsa_", "glc_", "xox", "xapp-", "hf_", "gsk_", "r8_", "pplx-", "xai-", "nvapi-", "lsv2_", "ls__"),
    *("pcsk_", "tvly-", "SG.", "npm_", "pypi-", "dop_v1_", "doo_v1_", "dor_v1_", "shpat_", "shpss_"),
    *("shpca_", "shppa_", "dckr_pat_", "hvs.", "hvb.", "hvr.", "s.hv", "lin_api_", "ntn_"),
    *("eyJ", "Basic ", "Bearer ", "Token ", "Digest ", "-----BEGIN", "ssh-rsa", "ssh-ed25519", "ssh-dss", "ecdsa-sha2"),
    *("AGE-SECRET-KEY-", "PMAK-", "phc_", "phx_", "sq0", "EAAA", "EAAC", "ATATT", "ATBB", "ATCTT", "figd_", "NRAK-"),
    *("NRAL-", "dt0c01.", "sntrys_", "sntryu_", "rubygems_", "sbp_", "sb_secret_", "sb_publishable_", "fo1_", "fig_"),
    *(
        "tfp_",
        "atlasv1",
        "pul-",
        "CFPAT-",
        "v1.0-",
        "jwt ",
        "token ",
        "password",
        "passwd",
        "pwd",
        "api_key",
        "api-key",
    ),
    *("apikey", "access_token", "fw_", "tgp_v1_", "jina_", "esecret_", "e2b_", "bb_live_", "bb_test_", "wandb_v1_"),
    *("vck_", "vcp_", "rpa_", "cal_live_", "mlsn.", "amzn.", "amzn1.", "oauth:", "helicone-"),
)
# How others begin that are long: some words begin so, too.
LONG_KEY_PREFIXES = (
    *("SK", "AC", "dapi", "key-", "key_", "together_", "vercel_", "live_", "test_", "re_", "el_", "fc-", "pa-", "nk-"),
    *("rnd_", "fig_", "secret_", "secret-", "api_", "tok_", "token-", "token_", "auth_"),
)
AREAS = (
    *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Etc", "Europe", "Indian"),
    "Pacific",
)
MEDIA = ("application", "audio", "font", "image", "message", "model", "multipart", "text", "video")
# What media types are made of, besides words.
SUBTYPES = frozenset(
    """
    vnd x ms openxmlformats officedocument wordprocessingml spreadsheetml presentationml document sheet presentation
    excel powerpoint word msword opendocument spreadsheet octet problem ld www rss atom soap xhtml geo hal
    mpeg mpga mp2 mp3 mp4 m4a m4v mpegurl aac opus l16 l24 pcm wave midi amr 3gpp 3gpp2 quicktime matroska msvideo mkv
    avi flv basic heic heif avif bmp tiff icon jp2 jxl svg apng rtf latex tex javascript ecmascript wasm epub tar gtar
    bzip bzip2 7z rar compressed lz4 xz python script sh perl c csrc java google apps folder drawing apple pages
    keynote patch merge rfc822 alternative mixed related byteranges report gltf obj stl usdz macroenabled slideshow
    comma tab separated values calendar vcard richtext enriched troff manifest mpegts dash pdf troff diff oasis
    woff woff2 ttf otf sfnt opentype jose jwt jwk pkcs7 pkcs8 pkcs10 pkcs12 pem certificate cert pgp signature encrypted
    hdf5 netcdf sqlite3 parquet feather ipynb jsonpath jsonlines ndjson msgpack cbor bson graphql grpc proto protobuf
    """.split()  # noqa: SIM905
)
