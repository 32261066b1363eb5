"""Names of attributes by what they hold, for the corpus of privacy: emitters' and frameworks', and people's data.

A name and a value of its own are `name = value`; what JSON reads as one is a number, a truth value, null or a text.
"""

from __future__ import annotations

# Whose names they are → names under which people's and models' words are sent.
FREE: dict[str, str] = {
    "OpenTelemetry": """
        gen_ai.prompt gen_ai.completion gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions
        gen_ai.tool.call.arguments gen_ai.tool.call.result gen_ai.tool.definitions gen_ai.tool.description
        gen_ai.agent.description gen_ai.retrieval.documents gen_ai.retrieval.query.text gen_ai.evaluation.explanation
        gen_ai.event.content db.statement db.query.text db.query.parameter.0 exception.message exception.stacktrace
        http.request.body http.response.body http.request.header.cookie http.request.header.referer log.body
        event.body rpc.message messaging.message.body graphql.document error.message
        process.command_line process.command_args url.query
    """,
    "OpenInference": """
        input.value output.value llm.input_messages llm.output_messages llm.input_messages.0.message.content
        llm.output_messages.0.message.content llm.prompts llm.prompts.0 llm.prompt_template.template
        llm.prompt_template.variables llm.input_messages.1.message.contents.0.message_content.text
        llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments llm.function_call
        llm.tools.0.tool.json_schema tool.description tool.parameters tool_call.function.arguments
        retrieval.documents.0.document.content retrieval.documents embedding.text
        embedding.embeddings.0.embedding.text reranker.query reranker.input_documents
        reranker.output_documents.0.document.content message.content document.content llm.invocation_parameters
        audio.transcript image.url
    """,
    "OpenLLMetry": """
        gen_ai.prompt.0.content gen_ai.prompt.1.content gen_ai.completion.0.content
        gen_ai.completion.0.tool_calls.0.arguments llm.prompts.0.content traceloop.entity.input
        traceloop.entity.output traceloop.prompt.template traceloop.prompt.template_variables
        llm.request.functions.0.parameters llm.request.functions.0.description llm.completions.0.content
        gen_ai.prompt.0.tool_calls.0.arguments db.chroma.query.documents traceloop.association.properties.question
    """,
    "LiteLLM": """
        request_data llm.request.messages response_data litellm.messages optional_params.messages raw_request
        raw_response litellm.original_response proxy_server_request.body standard_logging_object.messages
        standard_logging_object.response
        litellm.exception_message metadata.requester_prompt llm_raw_request
        original_response
    """,
    "Langfuse": """
        langfuse.observation.input langfuse.observation.output langfuse.trace.input langfuse.trace.output
        langfuse.observation.status_message langfuse.observation.completion_text langfuse.score.comment
    """,
    "LangSmith and LangChain": """
        langsmith.metadata.prompt langsmith.inputs langsmith.outputs inputs.question outputs.answer inputs.input
        outputs.output chain.input chain.output chat_history page_content intermediate_steps agent_scratchpad
        generations.0.0.text kwargs.content retriever.documents tool_input tool_output
    """,
    "Vercel AI SDK": """
        ai.prompt ai.prompt.messages ai.prompt.tools ai.response.text ai.response.object ai.response.toolCalls
        ai.response.reasoning ai.toolCall.args ai.toolCall.result ai.value ai.values ai.schema.description
        ai.result.text ai.result.object ai.stream.text ai.request.body ai.response.files
    """,
    "Google ADK": """
        gcp.vertex.agent.llm_request gcp.vertex.agent.llm_response gcp.vertex.agent.tool_call_args
        gcp.vertex.agent.tool_response gcp.vertex.agent.data
    """,
    "Logfire and PydanticAI": """
        all_messages_events pydantic_ai.all_messages final_result tool_arguments tool_response logfire.msg
        logfire.msg_template request_data.messages response_data.message model_request_parameters events
        agent.instructions final_output
    """,
    "CrewAI and AutoGen": """
        crew_inputs crew_tasks_output crewai.task.description crewai.task.expected_output crewai.agent.backstory
        crewai.agent.goal task.raw_output formatted_description formatted_expected_output agent_thoughts
        autogen.message.content autogen.inner_messages autogen.last_message autogen.chat_result.summary
        recipient_message termination_message
    """,
    "Bedrock and SageMaker": """
        aws.bedrock.invocation.input aws.bedrock.invocation.output inputText outputText completion.text
        input.inputBodyJson output.outputBodyJson guardrail.assessment.text modelInvocationInput.text
        bedrock.agent.rationale.text
    """,
    "MLflow and W&B": """
        mlflow.spanInputs mlflow.spanOutputs mlflow.chat.messages mlflow.message.content mlflow.traceInputs
        weave.input weave.output wandb.summary.text mlflow.assessment.rationale
    """,
    "Helicone, PostHog and others": """
        helicone.request.body helicone.response.body $ai_input $ai_output_choices $ai_input_state properties.text
        request_body response_body requestBody responseBody braintrust.input_json braintrust.output_json
        haystack.component.input haystack.component.output llamaindex.query dspy.signature.instructions
        instructor.response guardrails.validator.value_before_call openai.request.messages
        portkey.request.body
    """,
    "applications": """
        transcript transcription reasoning reasoning_content thinking thoughts chain_of_thought rationale explanation
        caption notes note remark remarks comment comments comment_text feedback_text review review_text subject title
        subtitle headline description summary abstract body text raw_text full_text plain_text html markdown snippet
        quote excerpt paragraph sentence utterance speech spoken search_query search_term searchTerm keywords question
        answer reply replies response_text request_text message_text user_message assistant_message system_prompt
        systemPrompt userPrompt user_prompt last_message firstMessage message_body chat_log conversation_text dialog
        dialogue history chatHistory instruction instructions objective goal hypothesis code_snippet source_code sql
        sql_query statement command command_line shell_command stdout stderr terminal_output diff patch commit_message
        file_content file_contents document documents attachment attachments email_body mail_body email_subject letter
        sms_text tweet post story biography bio about_me diagnosis symptoms medical_history anamnesis complaint
        ticket_text ticket_description issue_body stack_trace stacktrace traceback error_message errorMessage
        exception_text log_line log_message raw raw_payload payload payload_json json_body xml_body data_json content
        contents content_text tool_args toolArguments tool_calls function_arguments kwargs params_json form_data
        query_string variables context_text memory memories scratchpad plan_text observation observation_text critique
        judgement_text nachricht antwort frage beschreibung bemerkung mensaje respuesta pregunta réponse commentaire
        сообщение 内容 メモ
    """,
}

# By language: who somebody is.
PEOPLE: dict[str, str] = {
    "English": """
        user = ada.l | user_name = adalove | username = adal | login = lovelace_a |
        surname = Lovelace-King | full_name = Ada King | first_name = Augusta | firstName = Gracia |
        last_name = Hopper-Murray | lastName = Turingson | given_name = Katherine | email = a@b.example |
        family_name = Johnsonova | middle_name = Brewster | maiden_name = Byronette | nickname = adie |
        display_name = Ada of Acme | displayName = Grace of Navy | email_address = ada2@b.example |
        customer_email = ada3@b.example | customer_name = Ada Four | contact_email = ada5@b.example |
        emailAddress = ada6@b.example | user.email = ada7@b.example | userEmail = ada8@b.example |
        metadata.user_email = ada9@b.example | recipient = grace-recipient |
        sender = ada-sender | author = ada-author |
        assignee = grace-assignee | reviewer = alan-reviewer | owner = own-ada | created_by = ada-creator |
        updated_by = grace-editor | requested_by = alan-asks | phone = "5550104477" | phone_number = "15550104478" |
        phoneNumber = "15550104479" | mobile = "15550104480" | cell_phone = "15550104481" | fax = "15550104482" |
        telephone = "15550104483" | customer_phone = "15550104484" |
        patient_name = Ada Patient | patient_id = P-88123 |
        employee_id = E-55123 | student_id = S-99123 | member_id = M-77123 | customer_id = cus_9s6XKzkNRiz8i3 |
        end_user = u-12345678 | user.id = u-22345678 | userId = 4711 | end_user_id = u-32345678 |
        enduser.id = u-42345678 | user_uuid = u-52345678 | user.account_uuid = 8a6e0804-2bd0-4672-b79d-d97027f9071a |
        account_email = ada10@b.example | person = ada-person | people.0 = grace-people | contact = alan-contact |
        handle = @ada_handle | github_username = octoada | slack_user = U024BE7LH | twitter_handle = @grace_tw |
        skype = live:ada | actor = ada-actor | requester = ada-requests | principal = ada-principal |
        manager = grace-boss | user_hash = 9c1185a5c5e9fc54612808977ee8f548 | visitor_id = v-12345678 |
        subscriber = ada-subscr | client_name = Ada Client | patient = ada-patient | caller = ada-caller |
        driver_name = Ada Driver | spouse = william-king | next_of_kin = byron-kin | passenger_name = Ada Seat |
        guest_name = Ada Guest
    """,
    "OpenTelemetry and gateways": """
        enduser.pseudo.id = QdH5CAWJgqVT4rOr0qtumf | user.name = adauser | user.full_name = Ada Full |
        user.hash = 364fc68eaf4c8acec74a4e52d7d1feaa | client.address = 203.0.113.5 | client.ip = 203.0.113.6 |
        source.address = 203.0.113.7 | http.client_ip = 203.0.113.8 | net.peer.ip = 203.0.113.9 |
        network.peer.address = 203.0.113.10 | net.sock.peer.addr = 203.0.113.11 | ip = 203.0.113.12 |
        remote_addr = 203.0.113.13 | x_forwarded_for = 203.0.113.14 | device.id = dev-20260112 |
        http.request.header.x-forwarded-for = 203.0.113.15 | llm.user = ada-llm | llm.user_id = u-72345678 |
        traceloop.association.properties.user_id = u-82345678 | langfuse.user.id = u-92345678 |
        langfuse.trace.user_id = u-10345678 | metadata.user_api_key_user_email = ada11@b.example |
        metadata.user_api_key_user_id = u-11345678 | metadata.user_api_key_end_user_id = u-13345678 |
        helicone.user.id = u-14345678 | ai.telemetry.metadata.userId = u-15345678 | $user_id = u-16345678 |
        ai.telemetry.metadata.email = ada12@b.example | langsmith.metadata.user_id = u-17345678
    """,
    "German": """
        vorname = Augustine | nachname = Liebelos | familienname = Liebreich | geburtsname = Freifrau |
        benutzer = ada-benutzer | benutzername = ada-bname | kunde = ada-kundin | kundenname = Ada Kundig |
        telefon = 01701234567 | telefonnummer = 01701234568 | handynummer = 01701234569 | kundennummer = K-20261 |
        ansprechpartner = Herr Turing | mitarbeiter = turing-mit | absender = ada-absend | empfänger = grace-emp |
        spitzname = adele | nutzer = ada-nutzt | bearbeiter = ada-bearb | kontakt = ada-kontakt
    """,
    "French": """
        prénom = Augustine-Marie | prenom = Marie-Ada | nom_de_famille = Lovelacier | utilisateur = ada-util |
        téléphone = 0612345678 | telephone_portable = 0612345679 | courriel = ada13@b.example | client_nom = Ada Nom |
        nom_utilisateur = adanom | expéditeur = ada-exped | destinataire = grace-desti
    """,
    "Spanish and Portuguese": """
        nombre = Adela | apellido = Amorosa |
        apellidos = Amorosa Rey | usuario = ada-usuario | correo = ada14@b.example |
        correo_electronico = ada15@b.example | teléfono = "612345680" | telefono = "612345681" | sobrenome = Amorim |
        nome = Adelina | cliente = ada-cliente | celular = "912345682" | nome_completo = Ada Rei
    """,
    "Italian, Dutch, Polish, Turkish and Nordic": """
        cognome = Amorosi | utente = ada-utente | voornaam = Adalien | achternaam = Liefde | gebruiker = ada-gebr |
        imię = Adelajda | imie = Adelka | nazwisko = Miłosna | użytkownik = ada-uzyt | telefoon = 0612345683 |
        soyad = Sevgi | kullanıcı = ada-kull | fornavn = Adeline | efternavn = Kjærlig | förnamn = Adelina-K |
        efternamn = Kärlek | etunimi = Aada | sukunimi = Rakkaus | keresztnév = Adél | příjmení = Láska
    """,
    "other scripts": """
        氏名 = 山田花子さん | 名前 = 山田次郎さん | 姓 = 山田一族 |
        姓名 = 王小明先生 | 用户名 = wang-ming | 电话 = "13912345678" | имя = Августа |
        фамилия = Лавлейс | телефон = "89161234567" | почта = ada16@b.example | 이름 = 김영희씨 | الاسم = فاطمة أحمد |
        όνομα = Ελένη Π. | שם = רות כהן | नाम = अनिता शर्मा | пользователь = ada-polz
    """,
}

# By language: where somebody is, or since when.
ADDRESSES: dict[str, str] = {
    "English": """
        address = 12 St James's Square | street = Ockham Road 7 | street_address = 7 Ockham Park |
        home_address = 9 Ockham Park | postal_code = "940251" | zip_code = "940252" | zip = "940253" |
        postcode = SW1Y-4JH | date_of_birth = 1985-12-10 | birth_date = 1985-12-11 | birthday = 1985-12-12 |
        dob = 1985-12-13 | birthdate = 1985-12-14 | latitude = "51.50735" | geo.location.lat = 51.507351 |
        longitude = "-0.12776"
    """,
    "other languages": """
        adresse = Hauptstraße 5 | anschrift = Nebenstraße 6 | straße = Querstraße 7 | plz = "101151" |
        postleitzahl = "101152" | geburtsdatum = 1985-12-15 | geburtstag = 1985-12-16 | dirección = Calle Mayor 8 |
        direccion = Calle Menor 9 | code_postal = "750011" |
        codigo_postal = "280011" | date_de_naissance = 1985-12-17 |
        fecha_nacimiento = 1985-12-18 | indirizzo = Via Roma 10 | adres = Kerkstraat 11 | 住所 = 東京都千代田区一番 |
        адрес = ул. Ленина 12 | дата_рождения = 1985-12-19 | endereço = Rua Augusta 13 | ulica = Długa 14
    """,
}

SESSIONS = """
    session.id = sess-20260102 | session_id = sess-20260103 | gen_ai.conversation.id = conv-20260104 |
    thread_id = thread-20260105 | langfuse.session.id = sess-20260106 | sessionId = sess-20260107 |
    chat_id = chat-20260108 | metadata.session_id = sess-20260109 | conversation.id = conv-20260110
"""

# Several people at once: their number is a figure, their names are left out.
SEVERAL = """
    emails users contacts participants recipients customers attendees usernames email_addresses phone_numbers members
    cc bcc to from reviewers assignees authors names kunden usuarios utilisateurs
"""

SECRETS = """
    authorization ai.request.headers.authorization http.request.header.authorization proxy-authorization api_key
    apiKey api-key x-api-key openai_api_key ANTHROPIC_API_KEY azure.api.key gcp_api_key metadata.user_api_key secret
    client_secret clientSecret secret_key aws_secret_access_key aws_access_key_id access_key accessKey private_key
    privateKey ssh_key signing_key encryption_key password passwd pwd passphrase user_password db_password passwort
    kennwort contraseña mot_de_passe senha пароль 密码 パスワード token access_token accessToken refresh_token id_token
    auth_token bearer_token bearer session_token csrf_token xsrf_token oauth_token jwt jwt_token github_token
    slack_token webhook_secret webhook_url cookie cookies set-cookie http.response.header.set-cookie session_cookie
    credentials credential aws_credentials connection_string database_url dsn sas_token pin otp mfa_code totp
    verification_code cvv cvc card_number credit_card cardNumber iban bic account_number bank_account ssn
    social_security_number national_id passport passport_number driver_license tax_id license_key recovery_code
    seed_phrase mnemonic x-goog-api-key helicone-auth x_auth_token http.request.header.x-api-key
"""

# Plain things: a rule that drops them is wrong, too.
KEPT: dict[str, str] = {
    "a number": """
        temperature = 0.7 | gen_ai.request.temperature = 1 | top_p = 0.95 | retries = 2 | score = 0.83 |
        queue_depth = 17 | x = 4 | whatever = 12.5 | price = "12.50" | ratio = "0.25" | zeta = 1000000.0 |
        http.response.status_code = 200 | http.status_code = 404 | server.port = 443 | salary = 7
    """,
    "a truth value, or nothing": """
        cached = true | gen_ai.request.stream = false | llm.is_streaming = true | beta = true | x = null |
        enabled = "true" | flag = "false" | is_admin = false | email_verified = true
    """,
    "a time": """
        started = 2026-03-02T12:00:00Z | created_at = 2026-03-02T12:00:00.123+01:00 | day = 2026-03-02 |
        finished_at = 2026-03-02 12:00:00 | month = 2026-03 | updated = 2026-03-02T12:00:00+00:00
    """,
    "an id": """
        gen_ai.response.id = chatcmpl-8f3a1b2c9d4e5f60718293a4b5c6d | request_id = req_011CSHoEeqs5C35K2UUqR7Fy |
        trace_id = 4bf92f3577b34da6a3ce929d0e0e4736 | span_id = 00f067aa0ba902b7 | run_id = run_42 |
        message_id = msg_01XFDUDYJgAACzvnptvVoYEL | gen_ai.tool.call.id = toolu_01A09q90qw90lq917835lq9 |
        tool_call_id = call_abc123def456 | order_id = A-1042 | uuid = 123e4567-e89b-12d3-a456-426614174000 |
        job.uuid = 01890a5d-ac96-774b-bcce-b302099a8057 | ulid = 01ARZ3NDEKTSV4RRFFQ69G5FAV | build = "20261101" |
        commit = 9fceb02d0ae598e95dc970b74767f19372d61af8 | sha = 9fceb02 | invoice = 2026-0017 |
        response_id = resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b | ticket = JIRA-123 |
        prompt_id = pmpt_68af4030592c8193 | batch_id = batch-17 | x = 7f3a9c | http.request.id = a1b2c3d4 |
        event_id = evt_1NG8Du2eZvKYlo2CUI79vXWy | custom.ref = 0f8fad5b-d9cb-469f-a165-70867728950e |
        gen_ai.prompt.0.tool_calls.0.id = call_9876abcd1234 | cloud.account.id = "123456789012"
    """,
    "a version": """
        version = 1.2.3 | service.version = 2026.3.1 | app_version = v2.0.0-rc.1 | sdk = 0.34.1 |
        telemetry.sdk.version = 1.39.0 | prompt_version = v7 | schema_version = "3" | python = 3.13.1 |
        process.runtime.version = 22.11.0 | llm.prompt_template.version = v1.2
    """,
    "what is enumerated": """
        gen_ai.operation.name = chat | gen_ai.operation.name = text_completion | llm.request.type = chat |
        gen_ai.operation.name = execute_tool | gen_ai.operation.name = embeddings | gen_ai.token.type = input |
        gen_ai.output.type = json | openinference.span.kind = LLM | openinference.span.kind = CHAIN |
        traceloop.span.kind = workflow | gen_ai.response.finish_reason = stop | finish_reason = tool_calls |
        gen_ai.system = openai | gen_ai.provider.name = aws.bedrock | gen_ai.provider.name = anthropic |
        http.request.method = POST | http.method = GET |
        error.type = timeout | status = ok | otel.status_code = ERROR |
        level = warning | severity = INFO | priority = high | env = prod | environment = staging |
        deployment.environment = production | deployment.environment.name = test | plan = pro | tier = free |
        region = eu-west-1 | cloud.region = us-east-1 | lang = en-US | language = de | locale = pt_BR | country = DE |
        currency = EUR | timezone = Europe/Berlin | cloud.provider = aws | telemetry.sdk.language = python |
        os.type = linux | http.scheme = https | content_type = application/json | media_type = image/png |
        output_format = markdown | mode = batch |
        message.role = assistant | role = user | gen_ai.prompt.0.role = system |
        direction = outbound | llm.input_messages.0.message.role = user | db.system = postgresql |
        db.operation.name = SELECT | messaging.system = kafka | rpc.system = grpc | network.protocol.name = http |
        channel = web | gen_ai.tool.type = function | token_type = bearer | user_type = external | verdict = pass |
        service_tier = flex | reasoning_effort = medium | quality = hd | size = 1024x1024 | color = blue |
        device.type = mobile | platform = ios | result.status = success | outcome = failed | grade = A
    """,
    "what cost is allocated to, and what emitters call things": """
        team = core | team = growth | team = Vertrieb | project = apollo | feature = autocomplete |
        service.name = checkout | service.namespace = shop | gen_ai.agent.name = planner | tool.name = bash |
        gen_ai.tool.name = web_search | department = radiology | cost_center = cc-4711 | product = copilot |
        workspace = blue-ocean | app = support-bot | application = backoffice | component = retriever |
        workflow = nightly-import | gen_ai.workflow.name = onboarding | traceloop.workflow.name = triage |
        traceloop.entity.name = reranker | pipeline = ingest-docs | step = rerank | stage = retrieval |
        gen_ai.request.model = gpt-4.1-mini | model = acme-large | llm.model_name = claude-sonnet-4-5 |
        gen_ai.response.model = gpt-4.1-mini-2025-04-14 | embedding.model_name = text-embedding-3-large |
        experiment = exp-b | variant = treatment | ab_test = checkout-v2 | campaign = spring-26 |
        repository = acme/backend | branch = main | cluster = prod-eu | namespace = billing | queue = emails |
        organization = acme | organization.id = org-acme | tenant = acme | customer_tier = gold |
        metadata.user_api_key_team_alias = core | metadata.user_api_key_team_id = team-42 | crew_name = research |
        gen_ai.data_source.id = ds-0042 | gen_ai.prompt.name = greeting | ai.operationId = ai.generateText |
        ai.model.id = gpt-4o | ai.model.provider = openai | ai.telemetry.functionId = summarise-doc
    """,
}

# Names of words, whose numbers are figures.
KEPT_FIGURES = """
    reasoning_tokens prompt_tokens completion_tokens messages prompt_length input_size output_chars body_bytes
    message_count user_count email_count num_users num_messages question_count token_count tokens_per_second
    response_time request_duration_ms comment_count reply_count content_length text_length transcript_seconds result
    results response_size prompt_cost input_cost usage.input usage.output gen_ai.usage.input_tokens
    gen_ai.usage.prompt_tokens llm.usage.total_tokens llm.token_count.prompt llm.token_count.completion
    llm.token_count.prompt_details.cache_read ai.usage.promptTokens ai.usage.completionTokens usage.reasoning
    max_tokens gen_ai.request.max_tokens context_window documents documents_returned query_count history_length
    http.request.body.size http.response.body.size attachments notes feedback rating answers emails users
    password_attempts key_count cookie_count session_count session_duration_ms customer_count contacts
"""
