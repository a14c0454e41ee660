{#- Rows for which `expression` is false; unknown (null) counts as true. -#}
{% test holds(model, expression) %}

select *
from {{ model }}
where not ({{ expression }})

{% endtest %}
