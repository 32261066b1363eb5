"""The lists of the presets: names, and words of names, that say what a field holds; the page of privacy says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analytics_es.events import checks
from analytics_es.events.fields import BUDGET, FREE_TEXT, PROVIDER, VOCABULARY
from analytics_es.ingest.privacy_paths import REST, Rules

KEEP, PSEUDONYMISE, DROP, DROP_TEXT = "keep", "pseudonymise", "drop", "drop_text"
KEEP_PLAIN, KEEP_ID, KEEP_WORD = "keep_plain", "keep_id", "keep_word"
ACTIONS = (KEEP, PSEUDONYMISE, DROP, DROP_TEXT, KEEP_PLAIN, KEEP_ID, KEEP_WORD)

# Fields that say who somebody is, wherever they are: ours, OpenTelemetry's, and the usual ones.
IDENTITY = (
    *("user_id", "enduser.id", "enduser.pseudo.id", "user.id", "user.email", "user.name", "user.full_name"),
    *("user.hash", "user", "user_email", "user_name", "user_full_name", "username", "email", "email_address"),
    *("full_name", "first_name", "last_name", "phone", "phone_number", "customer_email", "customer_name"),
    *("client.address", "client.ip", "client_ip", "source.address", "http.client_ip", "net.peer.ip"),
    *("network.peer.address", "ip", "ip_address", "remote_addr", "x_forwarded_for", "device.id", "device_id"),
)
# What ties the events of somebody together without a name.
SESSIONS = ("conversation_id", "gen_ai.conversation.id", "session.id", "session_id", "thread_id")

# ── words of names: of several the last one counts ──────────────────────────────────────────────────────────────

_PERSON = (
    "user,enduser,customer,member,employee,patient,student,pupil,owner,author,creator,editor,sender,recipient,receiver,"
    "reviewer,approver,assignee,reporter,subscriber,passenger,guest,driver,visitor,person,people,contact,candidate,"
    "applicant,actor,requester,requestor,principal,manager,supervisor,caller,callee,spouse,buyer,seller,shopper,payer,"
    "payee,beneficiary,tenant_user,attendee,participant,borrower,resident,citizen,doctor,nurse,teacher,agent_user,"
    "benutzer,nutzer,anwender,kunde,kundin,mitarbeiter,mitarbeiterin,patientin,absender,empfanger,bearbeiter,kontakt,"
    "ansprechpartner,besitzer,inhaber,autor,verfasser,utilisateur,utilisatrice,cliente,destinataire,expediteur,auteur,"
    "employe,usuario,usuaria,empleado,paciente,utente,dipendente,gebruiker,klant,medewerker,uzytkownik,klient,"
    "kullanıcı,musteri,anvandare,kund,bruger,bruker,kunde,uzivatel,felhasznalo,utilizator,"
    "пользователь,клиент,сотрудник,пациент,автор,用户,用戶,客户,客戶,ユーザー,ユーザ,顧客,患者,사용자,고객,χρηστης,משתמש,"
    "مستخدم,العميل,उपयोगकर्ता"
)
# Rules of the last word: what of a person, a secret or a text is none itself.
_OF_SOMETHING = "id,ids,uid,uuid,guid,ref,key,keys,hash,alias,name,names,number,no,num,nr,code,handle,label,tag,nummer"
_SAYS_WHO = (
    "email,mail,emailaddress,mailto,username,login,loginid,userid,uid,nick,nickname,displayname,handle,screenname,"
    "surname,forename,firstname,lastname,fullname,givenname,familyname,middlename,maidenname,realname,fname,lname,"
    "phone,phonenumber,telephone,tel,mobile,cellphone,fax,whatsapp,skype,gravatar,avatar,kin,"
    "vorname,nachname,familienname,geburtsname,spitzname,benutzername,kundenname,kundennummer,telefon,telefonnummer,"
    "handy,handynummer,mobilnummer,prenom,courriel,portable,pseudonyme,nombre,apellido,apellidos,correo,celular,movil,"
    "nome,sobrenome,apelido,cognome,voornaam,achternaam,telefoon,imie,nazwisko,soyad,soyadı,fornavn,efternavn,etternavn,"
    "fornamn,efternamn,etunimi,sukunimi,keresztnev,vezeteknev,prijmeni,jmeno,prenume,nume,telefono,telefone,"
    "氏名,名前,姓,姓名,手机,手机号,手机号码,电话号码,身份证,身份证号,微信,携帯番号,携帯,メールアドレス,电子邮件,ユーザー名,名字,苗字,用户名,电话,電話,電話番号,邮箱,メール,имя,фамилия,отчество,телефон,почта,이름,성명,전화,이메일,"
    "الاسم,اسم,هاتف,ονομα,επωνυμο,τηλεφωνο,שם,טלפון,नाम,फोन"
)
_SAYS_WHERE = (
    "address,street,zip,zipcode,postcode,postal,dob,birth,birthday,birthdate,birthplace,latitude,longitude,coordinates,coords,lat,lon,lng,"
    "ip,ipv4,ipv6,ipaddress,mac,macaddress,imei,addr,ssid,geo,adresse,anschrift,strasse,hausnummer,plz,postleitzahl,"
    "geburtsdatum,geburtstag,geburtsort,rue,naissance,direccion,calle,nacimiento,indirizzo,adres,endereco,ulica,"
    "geboortedatum,dogum,dogumtarihi,urodzenia,urodzenie,fodselsdato,fodelsedatum,syntymaaika,"
    "出生,出生日期,生日,誕生日,생년월일,생일,जन्म,जन्मतिथि,ميلاد,الميلاد,родился,γεννησης,לידה,"
    "住所,生年月日,郵便番号,地址,адрес,рождения,주소,عنوان,διευθυνση,כתובת,पता"
)
_SEVERAL = (
    "emails,mails,usernames,logins,users,customers,members,employees,patients,students,owners,authors,senders,recipients,"
    "reviewers,assignees,subscribers,passengers,guests,drivers,visitors,persons,contacts,participants,attendees,phones,"
    "addresses,names,cc,bcc,to,from,kunden,benutzer_liste,mitarbeitende,usuarios,clientes,utilisateurs,utilisateurs,"
    "friends,followers,family,kinder,children,ips"
)
_SOMEBODY = (
    *(_SAYS_WHO, _SAYS_WHERE, _PERSON, f"{_PERSON} {_OF_SOMETHING}", "account uuid,email"),
    *("client name,address,email,phone,nom", "birth date,day,year,place,month,name", "next of kin"),
    *("first,last,full,given,family,middle,maiden,display,real,legal,nick,screen name", "nom de famille,naissance"),
    *("created,updated,requested,approved,assigned,sent,reported,modified,deleted,owned by,to", "nom utilisateur"),
    *("code,codigo postal", "postal,zip,post,area code"),
)
_SEVERAL_OF = (_SEVERAL, "phone,mobile,fax,telephone numbers", "email,mail,ip addresses")
_WITHOUT_TEXT = (
    "prompt,prompts,completion,completions,message,messages,msg,msgs,instruction,instructions,input,inputs,output,"
    "outputs,argument,arguments,args,kwargs,params,parameter,parameters,result,results,content,contents,text,texts,"
    "body,bodies,request,requests,response,responses,question,questions,answer,answers,query,queries,command,commands,"
    "stdin,stdout,stderr,comment,comments,feedback,description,descriptions,summary,summaries,stack,stacktrace,"
    "traceback,backtrace,raw,header,headers,payload,payloads,statement,statements,sql,transcript,transcripts,"
    "transcription,reasoning,thinking,thought,thoughts,rationale,explanation,explanations,caption,note,notes,remark,"
    "remarks,review,reviews,subject,title,headline,subtitle,abstract,html,markdown,snippet,snippets,quote,excerpt,"
    "paragraph,sentence,sentences,utterance,utterances,speech,spoken,keywords,reply,replies,chat,dialog,dialogue,"
    "dialogs,history,objective,goal,hypothesis,backstory,terminal,diff,patch,document,documents,doc,docs,passage,"
    "passages,chunk,chunks,attachment,attachments,letter,sms,tweet,example,examples,post,story,biography,bio,diagnosis,symptom,symptoms,"
    "anamnesis,complaint,form,variables,memory,memories,scratchpad,observation,observations,critique,judgement,judgment,"
    "template,templates,event,events,embedding,embeddings,vector,definitions,argv,clipboard,selection,object,values,"
    "intent,reason_text,excuse,wish,opinion,conversation_text,steps,filename,filepath,attributes_json,json,xml,yaml,"
    "choices,generation,generations,said,tellme,call,calls,log,logs,line,lines,referer,referrer,url,uri,href,file,files,"
    "path,generated,answered,asked,greeting_text,signature,definition,schema,"
    "data,str,"
    "nachricht,nachrichten,antwort,frage,beschreibung,bemerkung,anmerkung,kommentar,notiz,inhalt,betreff,eingabe,ausgabe,"
    "reponse,commentaire,contenu,mensaje,respuesta,pregunta,contenido,comentario,mensagem,resposta,messaggio,risposta,"
    "bericht,antwoord,wiadomosc,mesaj,сообщение,ответ,вопрос,текст,内容,消息,回答,质问,メモ,本文,質問,메시지,내용,رسالة"
)
_NUMBERS_OF_PEOPLE = (
    "pin,iban,ssn,cvv,cvc,passport,nino,cpf,dni,nif,curp,steuer,pesel,secu,bsn,tckn,kimlik,aadhaar,aadhar,cedula,cuil,инн,"
    "снилс,паспорт,паспорта,आधार"
)
_WORDS_OF_SECRETS = (
    "password,passwd,pwd,pass,passphrase,passcode,secret,secrets,credential,credentials,creds,authorization,bearer,jwt,"
    "pin,otp,totp,card,mfa,cvv,cvc,iban,bic,ssn,passport,mnemonic,apikey,apikeys,apitoken,accesstoken,refreshtoken,authtoken,"
    "privatekey,secretkey,accesskey,dsn,sshkey,cardnumber,creditcard,nino,cpf,dni,nif,curp,steuernummer,steuerid,cedula,bsn,pesel,personnummer,codicefiscale,"
    "sozialversicherungsnummer,sozialversicherung,kubeconfig,ausweisnummer,passwort,kennwort,geheimnis,contrasena,senha,clave,heslo,haslo,wachtwoord,"
    "secu,tckn,kimlik,aadhaar,aadhar,fodselsnummer,henkilotunnus,cuil,"
    "инн,снилс,паспорт,паспорта,आधार,주민등록번호,주민번호,マイナンバー,护照,護照,护照号,银行卡,银行卡号,هوية,"
    "losenord,adgangskode,sifre,salasana,пароль,секрет,密码,密碼,口令,パスワード,暗証番号,비밀번호,κωδικος,סיסמה,رمز,पासवर्ड"
)
_SECRETS = (
    _WORDS_OF_SECRETS,
    "mot de passe",
    "codice fiscale",
    f"{_NUMBERS_OF_PEOPLE} number,no,num,nr,nummer,code",
    "api,access,secret,private,signing,encryption,decryption,license,ssh,gpg,pgp,master,account,subscription,deploy,"
    "service,client,shared,storage,sas,webhook,auth,x,openai,anthropic,gemini,google,azure,aws,gcp,groq,mistral,cohere,"
    "github,gitlab,slack,stripe,twilio,sendgrid,huggingface,hf,langsmith,langfuse,pinecone,datadog,replicate key,keys",
    "access key id,ids",
    "card,account,routing,passport,insurance,license,licence number,no,num,nr",
    "credit,debit card,cards",
    "bank account,details",
    "national,tax,government,identity id,number",
    "social security number,no",
    "driver,drivers license,licence",
    "recovery,verification,backup,mfa,otp,confirmation,security,login,activation,sms,time,auth,factor code,codes",
    "seed,recovery phrase",
    "connection,conn string,str,uri,url",
    "database,db,redis,mongo,mongodb,postgres,webhook,callback,signed,presigned url,uri",
    "security answer,question",
)
# Their numbers are figures, such as a number of tokens.
_SECRET_TEXTS = (
    "token,tokens,cookie,cookies,auth,key,keys,oauth,sig,hmac,nonce,csrf,xsrf,signature,cert,certificate,keypair",
    f"{_WORDS_OF_SECRETS},token,tokens,key,keys,cookie,cookies,credential {_OF_SOMETHING},value,digest",
)
_PLAIN = (
    "method,methods,state,code,severity,priority,encoding,language,lang,locale,"
    "zone,timezone,tz,country,region,currency,scheme,timestamp,ts,time,date,at,duration,ms,"
    "seconds,secs,minutes,hours,days,size,length,len,bytes,kb,mb,chars,characters,words,count,counts,total,totals,sum,"
    "avg,average,mean,median,min,max,p50,rate,ratio,score,scores,percent,percentage,cost,price,amount,usage,limit,"
    "limits,quota,budget,index,offset,position,rank,role,reason,reasons,enabled,flag,streaming,stream,temperature,"
    "effort,verbosity,quality,category,categories,class,cached,attempt,attempts,retries,retry,depth,width,height,"
    "weight,threshold,timeout,latency,ttl,expires,created,updated,started,finished,ended,success,failed,ok,valid,"
    "verified,active,unit,units,dimension,dimensions,seed,k,p,n,page,pages,rating,ratings,stars,votes,likes,window,"
    "s,us,ns,per,second,minute,hour,day,week,month,year,chunks_count,remaining,used,available,capacity,sentiment,label_count",
    "created,updated,expires,expired,started,ended,finished,deleted,sent,received at,on",
    "status,error,exit,return,response,http,country,language,currency,region,reason,result,airport code,codes",
    "severity,level text",
    f"num,n,total,max,min,count,number,unique,distinct,of {_PERSON},{_SEVERAL},{_WITHOUT_TEXT},tokens,keys,cookies",
    "input,output,prompt,completion,total,cached,cache,read,creation,reasoning,thinking,thoughts,max,audio,image,text,"
    "usage,min,avg,used,context,budget,cost,billed,request,response tokens",
    "cache,idempotency,partition,routing,primary,foreign,sort,dedup,deduplication,issue,shard,group,index key",
)
_IDS = (
    "id,ids,uuid,guid,ulid,hash,digest,sha,checksum,etag,ref,reference,commit,revision,traceparent,fingerprint",
    "trace,span,parent,request,response,run,job,task,order,invoice,ticket,message,correlation,transaction,event id,ids",
    "session,thread,conversation,chat,visit id,ids,uuid,guid,hash,key",
)
_ONE_WORD = (
    "status,action,metric,policy",
    "model family",
    "type,types,kind,kinds,mode,phase,format,level,protocol,version,versions",
    "error,exception class,name",
    "finish,stop,end reason,reasons",
    "tool,function call name",
    "feature,flag,gate flag,key,variation",
    "team,teams,project,feature,features,service,function,model,models,provider,vendor,app,application,component,module,"
    "workflow,pipeline,step,stage,environment,env,department,dept,division,unit,squad,crew,tribe,product,sku,workspace,"
    "organization,organisation,org,tenant,company_tier,repository,repo,branch,cluster,namespace,queue,experiment,"
    "variant,cohort,segment,campaign,plan,tier,channel,platform,group,job,task,operation,operations,library,package,"
    "framework,sdk,runtime,system,use_case,usecase,center,centre,tool,tools,skill,plugin,integration,connector,"
    "agent,bot,assistant,test,suite,dataset,index_name,collection,bucket,table,database,topic_name,cause,"
    "session,thread,conversation,chat_model,worker,node,pod,container,deployment,release,scope,subsystem,domain_name,"
    "abteilung,projekt,kostenstelle,equipe,projet,equipo,proyecto,部門,プロジェクト,项目,проект,отдел,trigger,verdict,outcome,grade",
    "cost,profit,business center,centre,unit,line",
    "team,project,feature,service,organization,organisation,org,tenant,workspace,department,app,application,product,"
    "agent,tool,function,model,workflow,pipeline,environment,deployment,source id,name,alias,slug,label,key",
    "dag,flow,dataset,experiment id",
    "faas,lambda,service,operation,agent,tool,function,model,workflow,entity,pipeline,task,job,step,chain,crew,prompt,template,"
    "provider,protocol,library,scope,sdk,database,collection,queue,topic,destination,event,dataset,experiment,"
    "environment,deployment,namespace,metric,guardrail,evaluator,evaluation,retriever,index,graph,run,plugin,skill,"
    "server,peer,connection,feature,flag,thread name,slug,kind",
    "server,upstream,endpoint address",
    "data source",
    "http route",
    "peer service",
    "functionid,operationid",
    "function,operation id",
    "user agent name,version,family",
)
_NOT_WORDS = (
    "marital,family,health,medical,relationship,immigration status",
    *("search term,terms", "source code", "about me", "input,output,prompt,chat state,tools", "user agent"),
    "email,user domain",
    "file name,names,path,paths",
    "host name",
)


def _anywhere(names: Iterable[str], action: str) -> Iterator[tuple[str, str]]:
    return ((f"*.{name}", action) for name in names)


def _words(phrases: Iterable[str], action: str) -> Iterator[tuple[str, str]]:
    return ((f"~{phrase}", action) for phrase in phrases)


_CHECKS = {**VOCABULARY, **PROVIDER, **BUDGET}
DOCUMENTED = tuple(sorted(_CHECKS.keys() - {"attributes", "user_id", "messages"}))
DOCUMENTED_FIGURES = tuple(name for name in DOCUMENTED if _CHECKS[name] is not checks.text)

# What a preset only guesses, and names that it has always taken for texts: not so where somebody has named the field.
GUESSES = frozenset(
    (
        (REST, KEEP_PLAIN),
        *_words(_ONE_WORD, KEEP_WORD),
        *_words(_IDS, KEEP_ID),
        *_words(_PLAIN, KEEP_PLAIN),
        *_words((_WITHOUT_TEXT, *_NOT_WORDS), DROP_TEXT),
        *((name, KEEP_PLAIN) for name in DOCUMENTED_FIGURES),
    )
)
TEXTS = frozenset(_anywhere(FREE_TEXT, DROP_TEXT))


def _documented() -> Iterator[tuple[str, str]]:
    """What the vocabulary documents is kept: attributes are yours, and `messages` is a text in other families.

    So is the id of the span around one, which readers of spans write: of 16 digits it looks as a number of a card.
    """
    yield from ((name, KEEP) for name in (*DOCUMENTED, "attributes.otel.parent_span_id"))


def _preset(who: str, several: str, sessions: Iterable[tuple[str, str]]) -> Rules:
    return (
        (REST, KEEP_PLAIN),
        *_words(_ONE_WORD, KEEP_WORD),
        *_words(_IDS, KEEP_ID),
        *_words(_SOMEBODY, who),
        *_words(_SEVERAL_OF, several),
        *_words((_WITHOUT_TEXT, *_NOT_WORDS), DROP_TEXT),
        *_words(_SECRET_TEXTS, DROP_TEXT),
        *_words(_PLAIN, KEEP_PLAIN),
        *_words(_SECRETS, DROP),
        *_documented(),
        *_anywhere(FREE_TEXT, DROP_TEXT),
        *_anywhere(IDENTITY, who),
        *sessions,
    )


PRESETS: dict[str, Rules] = {
    "full": (),
    "pseudonymous": _preset(PSEUDONYMISE, DROP_TEXT, ()),
    "anonymous": _preset(
        DROP,
        DROP_TEXT,
        (
            ("~session,thread,conversation,chat,visit", DROP_TEXT),
            ("~session,thread,conversation,chat,visit id,ids,uuid,guid,hash,key", DROP),
            *_anywhere(SESSIONS, DROP),
        ),
    ),
}


def unchecked(rules: Rules, checked: Iterable[str]) -> Rules:
    """Return rules that begin as those of a preset, for events of which only these fields are checked."""
    checked = frozenset(checked)
    inside = [(f"{name}.*", KEEP_PLAIN) for name in DOCUMENTED if name not in checked]
    figures, changed = set(DOCUMENTED_FIGURES).difference(checked), list(rules)
    for place, (path, action) in enumerate(rules):
        if path in figures and action is KEEP:  # the first is that of the preset, one of your own stays
            figures.remove(path)
            changed[place] = (path, KEEP_PLAIN)
    return (*changed[:1], *inside, *changed[1:])
